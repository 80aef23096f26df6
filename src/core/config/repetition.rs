//! Lists in which nothing may stand twice: MetalLB's webhook refuses a repetition, since it is more often a slip of the
//! pen (the second name was meant to be another one) than meant.

use super::object::Selectors;
use crate::model::excerpt;
use crate::model::excerpt::NAME;
use crate::model::selector::repeated;

/// The complaint about a list of names, if one stands there twice.
pub(super) fn of_names(field: &str, names: &[String]) -> Option<String> {
    let name = repeated(names)?;
    Some(format!(
        "{field}: {:?} stands here twice: remove one of the two",
        excerpt(name, NAME)
    ))
}

/// The complaint about a list of selectors, if one stands there twice. Ones that cannot be read are complained of
/// elsewhere.
pub(super) fn of_selectors(field: &str, selectors: &Selectors) -> Option<String> {
    let twice = repeated(selectors.iter().flatten())?;
    let places = selectors.iter().enumerate();
    let places = places.filter(|(_, selector)| selector.as_ref() == Ok(twice));
    let places: Vec<String> = places.take(2).map(|(index, _)| index.to_string()).collect();
    Some(format!(
        "{field}: entries {} are one selector: remove one of the two",
        places.join(" and ")
    ))
}
