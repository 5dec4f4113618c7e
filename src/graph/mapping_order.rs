//! Sort orders of mappings.

/// A sort order of mappings.
///
/// ```
/// use clade::query::{MappingFilter, MappingOrder, MappingPageRequest, mappings};
/// use clade::{CreatePerson, Directory};
///
/// let people = ["eve@corp.example", "ada@corp.example"].map(|email| CreatePerson::new(email).under("Corp"));
/// let view = Directory::in_memory()?.apply(people)?.view;
/// let newest_first = MappingOrder { descending: true, ..MappingOrder::default() };
/// let page = mappings(&view, &MappingFilter::default(), newest_first, &MappingPageRequest::default())?;
/// assert_eq!(view.label(page.mappings[0].from), "ada@corp.example");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct MappingOrder {
    /// The property to sort by.
    pub by: MappingOrderBy,
    /// Greatest value first; among equal ones the greatest id first.
    pub descending: bool,
}

/// The property that mappings are sorted by. Equal ones are sorted by id.
///
/// ```
/// use clade::query::{MappingFilter, MappingOrder, MappingOrderBy, MappingPageRequest, mappings};
/// use clade::{CreatePerson, Directory};
///
/// let people = ["eve@corp.example", "ada@corp.example"].map(|email| CreatePerson::new(email).under("Corp"));
/// let view = Directory::in_memory()?.apply(people)?.view;
/// let order = MappingOrder { by: MappingOrderBy::FromKey, descending: false };
/// let page = mappings(&view, &MappingFilter::default(), order, &MappingPageRequest::default())?;
/// assert_eq!(view.label(page.mappings[0].from), "ada@corp.example");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum MappingOrderBy {
    /// Their ids, which is the order of creation.
    #[default]
    Id,
    /// The time of creation.
    CreatedAt,
    /// The time of the last change.
    UpdatedAt,
    /// The key of the `from` end, case-insensitive.
    FromKey,
    /// The key of the `to` end, case-insensitive.
    ToKey,
    /// The name of the type.
    Type,
    /// The name of the relationship.
    Relationship,
}

impl MappingOrderBy {
    /// All orders.
    pub const ALL: [Self; 7] = [
        Self::Id,
        Self::CreatedAt,
        Self::UpdatedAt,
        Self::FromKey,
        Self::ToKey,
        Self::Type,
        Self::Relationship,
    ];

    /// Whether they are sorted by the key of an end, which may change.
    pub(super) fn is_by_key(self) -> bool {
        matches!(self, Self::FromKey | Self::ToKey)
    }
}
