//! What creating and updating share: the setters of each kind of record, and the error that a builder keeps.

use serde_json::Value;

use crate::error::Error;
use crate::model::attributes::{AttributesPatch, kept_exactly};

/// What a builder has so far: its value, or the first refusal.
pub(super) type Built<T> = Result<T, Error>;

/// Applies one change unless an earlier one was refused.
pub(super) fn changed<T>(built: Built<T>, change: impl FnOnce(&mut T) -> Result<(), Error>) -> Built<T> {
    built.and_then(|mut value| {
        change(&mut value)?;
        Ok(value)
    })
}

/// Setters for the optional texts of a new record.
macro_rules! texts {
    ($($(#[$doc:meta])* $name:ident: $type:ty),+ $(,)?) => {
        $(
            $(#[$doc])*
            pub fn $name(self, value: &str) -> Self {
                self.set(|fields| {
                    fields.$name = Patch::Set(<$type>::parse(value)?);
                    Ok(())
                })
            }
        )+
    };
}

/// Setters for the optional texts of a record that exists.
macro_rules! removable_texts {
    ($($(#[$doc:meta])* $name:ident: $type:ty),+ $(,)?) => {
        $(
            $(#[$doc])*
            /// `None` removes it.
            pub fn $name<'t>(self, value: impl Into<Option<&'t str>>) -> Self {
                self.set(|fields| {
                    fields.$name = value.into().map(<$type>::parse).transpose().map(Patch::clear_or_set)?;
                    Ok(())
                })
            }
        )+
    };
}

/// The setter for attributes, the same for every record.
macro_rules! attribute {
    () => {
        /// Sets one attribute, merged as in RFC 7396: `null` removes it, and objects are merged.
        pub fn attribute(self, name: &str, value: impl Into<serde_json::Value>) -> Self {
            let value = value.into();
            self.set(|fields| {
                crate::model::builder::setters::merge_attribute(&mut fields.attributes, name, value)
            })
        }
    };
}

pub(super) fn merge_attribute(
    attributes: &mut AttributesPatch,
    name: &str,
    value: Value,
) -> Result<(), Error> {
    kept_exactly("attributes", &value)?;
    match attributes {
        AttributesPatch::Merge(members) | AttributesPatch::Replace(members) => {
            members.insert(name.to_owned(), value);
        }
        AttributesPatch::Keep => {
            *attributes = AttributesPatch::Merge([(name.to_owned(), value)].into_iter().collect());
        }
    }
    Ok(())
}

/// The setters that creating and updating a person share.
macro_rules! person_setters {
    ($texts:ident) => {
        $texts! {
            /// Sets the given name.
            first_name: Name,
            /// Sets the family name.
            last_name: Name,
            /// Sets the name to show.
            display_name: Name,
            /// Sets the id by which another system knows this person.
            external_id: ExternalId,
        }
        attribute!();

        /// Places the person in the unit at the end of this path (`"Corp/Research"`), besides the units that they are in.
        /// Units of the path that do not exist are created.
        pub fn under(self, path: &str) -> Self {
            self.set(|fields| {
                fields.placement = Placement::Under(path.to_owned());
                Ok(())
            })
        }

        /// Places the person in exactly these units, which must exist.
        pub fn in_units<U: Into<UnitRef>>(self, units: impl IntoIterator<Item = U>) -> Self {
            self.set(|fields| {
                fields.placement = Placement::Units(units.into_iter().map(Into::into).collect());
                Ok(())
            })
        }
    };
}

/// The setters that creating and updating a project share.
macro_rules! project_setters {
    ($texts:ident) => {
        $texts! {
            /// Sets the id by which another system knows this project.
            external_id: ExternalId,
        }
        attribute!();

        /// Sets the email of its owner, who need not be a person of the directory.
        pub fn owner(self, email: &str) -> Self {
            self.set(|fields| {
                let email = Patch::Set(Email::parse(email)?);
                fields.owner = Patch::Set(OwnerFields { email, ..OwnerFields::default() });
                Ok(())
            })
        }

        /// Adds the repository at this url to those that the command sets. Those that are set replace all that the
        /// project has.
        pub fn repository(self, url: &str) -> Self {
            self.set(|fields| {
                let repository = RepositoryFields::at(RepoUrl::parse(url)?)?;
                match &mut fields.repositories {
                    Patch::Set(repositories) => repositories.push(repository),
                    other => *other = Patch::Set(vec![repository]),
                }
                Ok(())
            })
        }

        /// Places the project in the unit at the end of this path (`"Corp/Research"`), besides the units that it is in.
        /// Units of the path that do not exist are created.
        pub fn under(self, path: &str) -> Self {
            self.set(|fields| {
                fields.placement = Placement::Under(path.to_owned());
                Ok(())
            })
        }

        /// Places the project in exactly these units, which must exist.
        pub fn in_units<U: Into<UnitRef>>(self, units: impl IntoIterator<Item = U>) -> Self {
            self.set(|fields| {
                fields.placement = Placement::Units(units.into_iter().map(Into::into).collect());
                Ok(())
            })
        }
    };
}

pub(super) use {attribute, person_setters, project_setters, removable_texts, texts};
