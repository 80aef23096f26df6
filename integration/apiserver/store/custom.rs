//! Resources come and go with their `CustomResourceDefinition`s.

use std::sync::Arc;

use serde_json::Value;

use super::State;
use crate::apiserver::definition;
use crate::apiserver::resource::Storage;

impl State {
    /// Where the changed object is a definition, serves its resources from now on, or no longer.
    pub(super) fn follow_definition(&mut self, storage: &Storage, object: &Value, present: bool) {
        if *storage != definition::storage() {
            return;
        }
        let custom = definition::custom_storage(object);
        self.resources
            .retain(|resource| resource.custom.is_none() || resource.storage != custom);
        if present {
            self.resources
                .extend(definition::resources(object).into_iter().map(Arc::new));
        }
    }
}
