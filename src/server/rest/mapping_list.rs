//! Lists of mappings: filtered by the records at their ends, sorted, and paged.

use std::cmp::Ordering;
use std::sync::Arc;

use axum::response::Response;
use roaring::RoaringBitmap;

use crate::directory::View;
use crate::model::entity::{EntityId, Kind};
use crate::model::key::fold;
use crate::model::mapping::{Mapping, MappingType, Relationship};
use crate::query::cost::cost_of;
use crate::server::request::params::{Known, Param, Shape, refused_as};
use crate::server::response::problem::Result;
use crate::server::rest::levels;
use crate::server::rest::list::{List, unsortable};
use crate::server::rest::parameters::parameters;
use crate::server::rest::resource::Mappings;

/// The parameters of lists of mappings. The level parameters ask for mappings with either end in the unit.
pub(super) const MAPPING_LIST: &[Param] = &[
    Param {
        name: "mappingType",
        shape: Shape::Words(&[
            "parent-child",
            "project-people",
            "project-member",
            "project-org",
            "people-org",
        ]),
        about: "Only mappings of this type. Given several times: any of them.",
    },
    Param {
        name: "relationship",
        shape: Shape::Words(&["many-to-many", "many-to-one", "one-to-one", "one-to-many", "org-hierarchy"]),
        about: "Only mappings of this relationship. Given several times: any of them.",
    },
    Param {
        name: "attribute1",
        shape: Shape::Texts,
        about: "Only mappings whose first end has this key. Given several times: any of them.",
    },
    Param {
        name: "attribute2",
        shape: Shape::Texts,
        about: "Only mappings whose second end has this key. Given several times: any of them.",
    },
];

parameters!(MappingParams = MAPPING_LIST);

/// What lists of mappings are sorted by.
pub(super) const MAPPING_SORTS: [&str; 6] =
    ["createdAt", "updatedAt", "attribute1", "attribute2", "mappingType", "relationship"];

/// Answers with the mappings that the parameters ask for and `also` keeps.
pub(super) async fn answer(list: List, also: impl Fn(&View, &Known) -> Result<Also>) -> Result<Response> {
    let sorted = list.known.one("sort").map(str::to_owned);
    list.in_order::<Mappings, _>(
        |list| {
            let cost = cost_of(list.view().all(crate::model::entity::Kind::Person).len());
            Ok((cost, (Wanted::read(list.view(), &list.known)?, also(list.view(), &list.known)?)))
        },
        move |view, (wanted, also)| {
            let mut all: Vec<Arc<Mapping>> = view
                .mappings()
                .into_iter()
                .filter(|mapping| also(mapping) && wanted.fits(view, mapping))
                .cloned()
                .collect();
            sort(view, &mut all, sorted.as_deref())?;
            Ok(all)
        },
        |_, mapping| mapping.id.to_string(),
    )
    .await
}

pub(super) type Also = Box<dyn Fn(&Mapping) -> bool + Send>;

struct Wanted {
    types: Vec<MappingType>,
    relationships: Vec<Relationship>,
    from: Vec<String>,
    to: Vec<String>,
    within: Vec<RoaringBitmap>,
    text: Option<String>,
}

impl Wanted {
    fn read(view: &View, known: &Known) -> Result<Self> {
        let types = known.all("mappingType").map(MappingType::parse).collect::<Result<_, _>>();
        let relationships = known.all("relationship").map(Relationship::parse).collect::<Result<_, _>>();
        let keys = |name| known.all(name).map(|key| fold(key.trim()).into_owned()).collect();
        Ok(Self {
            types: types.map_err(|no| refused_as("mappingType", no))?,
            relationships: relationships.map_err(|no| refused_as("relationship", no))?,
            from: keys("attribute1"),
            to: keys("attribute2"),
            within: levels::units(view, known)?.into_iter().map(|any| beneath(view, &any)).collect(),
            text: known.one("q").map(|text| fold(text).into_owned()),
        })
    }

    fn fits(&self, view: &View, mapping: &Mapping) -> bool {
        let has_key =
            |keys: &[String], id| keys.is_empty() || keys.iter().any(|key| *key == fold(label(view, id)));
        (self.types.is_empty() || self.types.contains(&mapping.mapping_type))
            && (self.relationships.is_empty() || self.relationships.contains(&mapping.relationship))
            && self.within.iter().all(|ids| ids.contains(mapping.from.0) || ids.contains(mapping.to.0))
            && has_key(&self.from, mapping.from)
            && has_key(&self.to, mapping.to)
            && self.text.as_ref().is_none_or(|text| says(view, mapping, text))
    }
}

/// These units and everything beneath them.
fn beneath(view: &View, units: &[EntityId]) -> RoaringBitmap {
    let mut all: RoaringBitmap = units.iter().map(|unit| unit.0).collect();
    for unit in units {
        for kind in Kind::ALL {
            all |= view.below(*unit, kind).as_ref();
        }
    }
    all
}

fn label(view: &View, id: EntityId) -> &str {
    view.entity(id).map_or("", |entity| entity.label())
}

fn says(view: &View, mapping: &Mapping, text: &str) -> bool {
    let source = mapping.source.as_ref().map_or("", |source| source.as_str());
    [label(view, mapping.from), label(view, mapping.to), source].iter().any(|own| fold(own).contains(text))
        || mapping.id.to_string().contains(text)
}

/// One order of mappings.
type Compare<'v> = Box<dyn Fn(&Mapping, &Mapping) -> Ordering + 'v>;

fn sort(view: &View, all: &mut [Arc<Mapping>], by: Option<&str>) -> Result<()> {
    let Some(given) = by else { return Ok(()) };
    let (name, descending) = given.strip_prefix('-').map_or((given, false), |name| (name, true));
    let by_end = |end: fn(&Mapping) -> EntityId| {
        move |a: &Mapping, b: &Mapping| fold(label(view, end(a))).cmp(&fold(label(view, end(b))))
    };
    let compare: Compare<'_> = match name {
        "createdAt" => Box::new(|a, b| a.stamps.created_at.cmp(&b.stamps.created_at)),
        "updatedAt" => Box::new(|a, b| a.stamps.updated_at.cmp(&b.stamps.updated_at)),
        "attribute1" => Box::new(by_end(|mapping| mapping.from)),
        "attribute2" => Box::new(by_end(|mapping| mapping.to)),
        "mappingType" => Box::new(|a, b| a.mapping_type.as_str().cmp(b.mapping_type.as_str())),
        "relationship" => Box::new(|a, b| a.relationship.as_str().cmp(b.relationship.as_str())),
        _ => return Err(unsortable(given, &MAPPING_SORTS)),
    };
    all.sort_by(|a, b| {
        let order = compare(a, b).then_with(|| a.id.cmp(&b.id));
        if descending { order.reverse() } else { order }
    });
    Ok(())
}
