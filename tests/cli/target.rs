//! The target of a command: a small organization in a store, or behind a server.

use serde_json::Value;

use crate::support::process::Ran;
use crate::support::{Folder, Server};

/// A small organization with a matrix team, and names that need escaping.
pub(crate) const CORP: &str = r#"{"kind":"orgUnit","key":"Corp","name":"Corp","type":"organization"}
{"kind":"orgUnit","key":"R&D","name":"R&D","type":"business","parents":["Corp"]}
{"kind":"orgUnit","key":"Ops","name":"Ops","type":"business","parents":["Corp"]}
{"kind":"orgUnit","key":"a/b","name":"研究 lab","type":"tribe","parents":["R&D","Ops"]}
{"kind":"orgUnit","key":"inner","name":"inner","type":"team","parents":["a/b"]}

{"kind":"person","email":"Ada@corp.example","displayName":"Ada"}
{"kind":"person","email":"bob@corp.example","site":{"city":"Malmö"}}
{"kind":"project","projectId":"shop","projectName":"Shop","assets":{"repositories":[{"url":"https://h.example/shop.git"}],"services":[]}}
{"kind":"mapping","mappingType":"people-org","attribute1":"ada@corp.example","attribute2":"inner"}
{"kind":"mapping","mappingType":"people-org","attribute1":"bob@corp.example","attribute2":"Ops"}
{"kind":"mapping","mappingType":"project-org","attribute1":"shop","attribute2":"a/b"}
{"kind":"mapping","mappingType":"project-people","attribute1":"shop","attribute2":"bob@corp.example"}
"#;

pub(crate) const PICTURE: &str = "                                                  people  projects
Corp  organization                                     2         1
├─ Ops  business                                       2         1
│  └─ 研究 lab  tribe, 2 parents                       1         1
│     └─ inner  team                                   1         0
└─ R&D  business                                       1         1
   └─ 研究 lab  tribe, 2 parents (… shown above)       1         1
";

/// The target of a command: a store, or a server over one.
pub(crate) struct Target {
    pub(crate) folder: Folder,
    server: Option<Server>,
}

impl Target {
    pub(crate) fn both() -> [Self; 2] {
        [
            Self { folder: Folder::new(), server: None },
            Self { folder: Folder::new(), server: Some(Server::start()) },
        ]
    }

    pub(crate) fn with_corp() -> [Self; 2] {
        let targets = Self::both();
        for target in &targets {
            target.folder.write("corp.ndjson", CORP);
            target.run(&["import", "corp.ndjson"]).ok();
        }
        targets
    }

    pub(crate) fn run(&self, args: &[&str]) -> Ran {
        match &self.server {
            None => self.folder.clade(&[args, &["--data", "corp.redb"]].concat()),
            Some(server) => {
                let url = format!("http://{}", server.address);
                let args = [args, &["--server", &url]].concat();
                self.folder.clade_with(&[("CLADE_TOKEN", &server.token)], &args)
            }
        }
    }

    /// Its whole content, without ids and timestamps that differ between stores.
    pub(crate) fn exported(&self) -> Vec<Value> {
        records(&self.run(&["export"]).ok())
    }
}

pub(crate) fn records(lines: &str) -> Vec<Value> {
    let record = |line: &str| {
        let mut record: Value = serde_json::from_str(line).unwrap();
        for name in ["validFrom", "createdAt", "updatedAt", "revision"] {
            record.as_object_mut().unwrap().remove(name).expect(name);
        }
        record
    };
    lines.lines().map(record).collect()
}

pub(crate) fn read(folder: &Folder, name: &str) -> String {
    std::fs::read_to_string(folder.path(name)).unwrap()
}
