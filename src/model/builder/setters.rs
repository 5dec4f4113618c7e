//! Setters that the builders for creating and updating share, and the error that a builder stores.

use serde_json::Value;

use crate::error::Error;
use crate::model::attributes::{AttributesPatch, check_exact_numbers};

/// The value of a builder so far, or its first error.
// Setters that returned a `Result` would need a `?` each, and no chain of calls could be read as one command.
pub(super) type Built<T> = Result<T, Error>;

/// Applies one change unless there is an error already.
pub(super) fn changed<T>(built: Built<T>, change: impl FnOnce(&mut T) -> Result<(), Error>) -> Built<T> {
    built.and_then(|mut value| {
        change(&mut value)?;
        Ok(value)
    })
}

/// Setters for the optional texts of a new record.
// Macros, not traits, here and below: inherent methods need no import, and each has its own documentation.
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
// `Into<Option<&str>>` takes both `"Ada"` and `None`. New records have nothing to remove, so `texts!` takes `&str`
// alone.
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
    // A `Value` may come from parsed JSON, in which a long number has been rounded already.
    check_exact_numbers("attributes", &value)?;
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

/// The setters for where a person or project belongs.
macro_rules! placement {
    () => {
        /// Places the record in the unit at the end of this path (`"Corp/Research"`), besides the units that it is in.
        /// Units of the path that do not exist are created.
        pub fn under(self, path: &str) -> Self {
            self.set(|fields| {
                fields.placement = Placement::Under(path.to_owned());
                Ok(())
            })
        }

        /// Places the record in exactly these units, which must exist.
        pub fn in_units<U: Into<UnitRef>>(self, units: impl IntoIterator<Item = U>) -> Self {
            self.set(|fields| {
                fields.placement = Placement::Units(units.into_iter().map(Into::into).collect());
                Ok(())
            })
        }
    };
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

        placement!();
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
                // Only the email is set: names that the owner has stay, even if the email is another person's.
                let email = Patch::Set(Email::parse(email)?);
                fields.owner = Patch::Set(OwnerFields { email, ..OwnerFields::default() });
                Ok(())
            })
        }

        /// Adds the repository at this URL to those that the command sets. They replace all repositories of the
        /// project.
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

        placement!();
    };
}

pub(super) use {attribute, person_setters, placement, project_setters, removable_texts, texts};
