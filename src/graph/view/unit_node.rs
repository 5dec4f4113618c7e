//! A unit to read on from, as a program that embeds the directory does.

use std::ops::Deref;

use crate::error::Error;
use crate::graph::view::{Totals, View};
use crate::model::entity::{Entity, EntityId, Kind, OrgUnit, Person, Project};
use crate::model::reference::UnitRef;

/// A unit as one view sees it.
#[derive(Debug, Clone, Copy)]
pub struct OrgUnitNode<'v> {
    view: &'v View,
    id: EntityId,
    unit: &'v OrgUnit,
}

impl View {
    /// The unit that a reference names, to read on from.
    ///
    /// # Errors
    /// As [`View::find_unit`].
    pub fn org_unit(&self, reference: impl Into<UnitRef>) -> Result<OrgUnitNode<'_>, Error> {
        let reference = reference.into();
        let id = self.find_unit(&reference)?;
        let unit = self
            .entity(id)
            .and_then(|entity| entity.as_org_unit())
            .ok_or_else(|| Error::NotFound { kind: Kind::OrgUnit.as_str(), reference: reference.shown() })?;
        Ok(OrgUnitNode { view: self, id, unit })
    }
}

impl<'v> OrgUnitNode<'v> {
    /// Its number.
    #[must_use]
    pub fn id(&self) -> EntityId {
        self.id
    }

    /// How many of each kind are beneath it.
    #[must_use]
    pub fn totals(&self) -> Totals {
        self.view.totals(self.id)
    }

    /// Every unit above it, root first.
    pub fn ancestors(&self) -> impl Iterator<Item = OrgUnitNode<'v>> {
        self.nodes(self.view.ancestors(self.id))
    }

    /// The units directly beneath it, by name.
    pub fn children(&self) -> impl Iterator<Item = OrgUnitNode<'v>> {
        self.nodes(self.view.children(self.id))
    }

    /// Every person placed in it or beneath it, each once.
    pub fn people(&self) -> impl Iterator<Item = &'v Person> {
        self.beneath(Kind::Person).filter_map(Entity::as_person)
    }

    /// Every project placed in it or beneath it, each once.
    pub fn projects(&self) -> impl Iterator<Item = &'v Project> {
        self.beneath(Kind::Project).filter_map(Entity::as_project)
    }

    fn nodes(&self, units: Vec<EntityId>) -> impl Iterator<Item = OrgUnitNode<'v>> {
        let view = self.view;
        units.into_iter().filter_map(move |id| {
            let unit = view.entity(id)?.as_org_unit()?;
            Some(OrgUnitNode { view, id, unit })
        })
    }

    fn beneath(&self, kind: Kind) -> impl Iterator<Item = &'v Entity> {
        let view = self.view;
        let ids = view.below(self.id, kind).into_owned();
        ids.into_iter().filter_map(move |id| view.entity(EntityId(id)).map(|entity| &**entity))
    }
}

impl Deref for OrgUnitNode<'_> {
    type Target = OrgUnit;

    fn deref(&self) -> &OrgUnit {
        self.unit
    }
}
