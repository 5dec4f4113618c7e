//! Changes of one record: `create`, `update`, `move`, `rename` and `end`, on a store and against a server.

use crate::target::Target;

/// The output without the last line, which has the revision.
fn printed(target: &Target, args: &[&str]) -> String {
    let all = target.run(args).ok();
    let lines: Vec<_> = all.lines().collect();
    let (last, lines) = lines.split_last().unwrap();
    let expected =
        if args.contains(&"--dry-run") { "dry run: checked against revision " } else { "revision " };
    assert!(last.starts_with(expected), "{all}");
    lines.join("\n")
}

#[test]
fn records_are_created_updated_renamed_and_ended() {
    for target in Target::with_corp() {
        let create = ["create", "unit", "Payments", "--type", "team", "--under", "Ops"];
        let dry = printed(&target, &[&create[..], &["--dry-run"]].concat());
        assert_eq!(
            dry,
            "would be created: unit        Payments  in Ops\n  in the directory: units 1 created; mappings 1 created"
        );
        assert!(target.run(&["show", "Payments"]).refusal(1).contains("nothing is called \"Payments\""));
        assert_eq!(printed(&target, &create), dry.replace("would be created", "created"));

        let person =
            ["create", "person", "eve@corp.example", "firstName=Eve", "desk:=7", "--under", "Payments"];
        let told = printed(&target, &person);
        assert!(told.contains("created: person      eve@corp.example  Eve  in Payments"), "{told}");
        assert!(told.contains("kept as an attribute: desk"), "{told}");
        printed(&target, &["create", "project", "pay", "--name", "Pay", "--under", "Payments"]);

        let told = printed(&target, &["update", "eve@corp.example", "last_name=Ng", "firstName="]);
        assert!(told.contains("kept as an attribute: last_name; did you mean lastName?"), "{told}");
        let again = printed(&target, &["update", "eve@corp.example", "desk:=7"]);
        assert!(again.starts_with("unchanged: person      eve@corp.example"), "{again}");
        printed(&target, &["update", "eve@corp.example", "lastName=Ng"]);

        let told = printed(&target, &["rename", "Payments", "Payments and Risk"]);
        assert!(told.starts_with("updated: unit        Payments  Payments and Risk  in Ops"), "{told}");

        let refusal = target.run(&["end", "Payments"]).refusal(1);
        assert!(refusal.contains("Payments and Risk") || refusal.contains("Payments"), "{refusal}");
        let told = printed(&target, &["end", "Payments", "--children", "lift"]);
        assert!(told.contains("units 1 ended"), "{told}");
        assert!(told.matches("1 moved").count() == 2, "{told}");
        // A last name finds her, and is no reference: nothing is deleted by a guess.
        assert!(target.run(&["show", "Ng"]).ok().contains("eve@corp.example"));
        assert!(
            target.run(&["end", "Ng"]).refusal(1).contains("did you mean the person \"eve@corp.example\"")
        );
        let told = printed(&target, &["end", "eve@corp.example", "--dry-run"]);
        assert!(told.starts_with("would be ended: person      eve@corp.example"), "{told}");
        let told = printed(&target, &["end", "eve@corp.example"]);
        assert!(told.starts_with("ended: ") && told.contains("people 1 ended"), "{told}");
    }
}

#[test]
fn records_move_from_one_unit_to_another() {
    for target in Target::with_corp() {
        let told = printed(&target, &["move", "inner", "--to", "Ops"]);
        assert!(told.starts_with("updated: unit        inner  in Ops"), "{told}");
        assert!(told.contains("units 1 moved"), "{told}");
        // It has two parents: the caller says which one it leaves.
        let refusal = target.run(&["move", "a/b", "--to", "Corp"]).refusal(1);
        assert!(refusal.contains("R&D") && refusal.contains("Ops"), "{refusal}");
        let told = printed(&target, &["move", "a/b", "--to", "Corp", "--from", "Ops"]);
        assert!(told.contains("in R&D, Corp") || told.contains("in Corp, R&D"), "{told}");

        let told = printed(&target, &["move", "person:bob@corp.example", "--to", "inner"]);
        assert!(told.contains("bob@corp.example  in inner"), "{told}");
        let told = printed(&target, &["update", "bob@corp.example", "units:=[\"inner\",\"Corp\"]"]);
        assert!(told.contains("1 moved; mappings 1 created"), "{told}");
        let refusal = target.run(&["move", "bob@corp.example", "--to", "Ops"]).refusal(2);
        assert!(refusal.contains("--from"), "{refusal}");
        let refusal = target.run(&["move", "bob@corp.example", "--to", "Ops", "--from", "R&D"]).refusal(1);
        assert!(refusal.contains("is not in \"R&D\"; it is in: "), "{refusal}");
        printed(&target, &["move", "bob@corp.example", "--to", "Ops", "--from", "inner"]);
        let shown = target.run(&["show", "bob@corp.example"]).ok();
        assert!(shown.contains("Ops") && shown.contains("Corp") && !shown.contains("inner"), "{shown}");
    }
}

#[test]
fn what_names_no_record_or_several_is_refused() {
    for target in Target::with_corp() {
        let refusal = target.run(&["rename", "innr", "x"]).refusal(1);
        assert!(refusal.contains("nothing is called \"innr\"; did you mean"), "{refusal}");
        printed(&target, &["create", "unit", "Shop", "--type", "team", "--under", "Ops"]);
        let refusal = target.run(&["rename", "shop", "x"]).refusal(1);
        assert!(refusal.contains("unit:Shop") && refusal.contains("project:shop"), "{refusal}");
        printed(&target, &["rename", "project:shop", "Web shop"]);
        let refusal = target.run(&["move", "inner", "--to", "ada@corp.example"]).refusal(1);
        assert!(
            refusal.contains("is the person \"Ada@corp.example\", which is of another kind"),
            "{refusal}"
        );
        let refusal = target.run(&["create", "unit", "Ops"]).refusal(1);
        assert!(refusal.starts_with("error: ") && !refusal.contains("changes[0]"), "{refusal}");
        assert!(target.run(&["update", "inner"]).refusal(2).contains("FIELD=VALUE"));
        assert!(target.run(&["update", "inner", "name"]).refusal(2).contains("FIELD=TEXT"));
        assert!(
            target.run(&["end", "ada@corp.example", "--children", "end"]).refusal(2).contains("is for units")
        );
        assert!(target.run(&["create", "unit", "X", "name=Y"]).refusal(2).contains("name is given twice"));
    }
}
