//! Labels that tiklb writes or reads.

/// On everything that is installed with tiklb.
pub const APP_NAME: &str = "app.kubernetes.io/name";
/// The value of [`APP_NAME`].
pub const APP_NAME_VALUE: &str = "tiklb";

/// On a ServiceL2Status: the announcing node.
pub const NODE: &str = "metallb.io/node";
/// On a ServiceL2Status: the Service's name.
pub const SERVICE_NAME: &str = "metallb.io/service-name";
/// On a ServiceL2Status: the Service's namespace.
pub const SERVICE_NAMESPACE: &str = "metallb.io/service-namespace";

/// On a ConfigurationState: [`COMPONENT_CONTROLLER`] or [`COMPONENT_SPEAKER`].
pub const COMPONENT_TYPE: &str = "metallb.io/component-type";
/// The allocator, in MetalLB's word.
pub const COMPONENT_CONTROLLER: &str = "controller";
/// A speaker.
pub const COMPONENT_SPEAKER: &str = "speaker";
/// On a speaker's ConfigurationState: its node.
pub const NODE_NAME: &str = "metallb.io/node-name";

/// On the Lease in which a speaker records its survey of a subnet, with [`SURVEY_VALUE`].
pub const SURVEY: &str = "tiklb.io/survey";
/// The value of [`SURVEY`].
pub const SURVEY_VALUE: &str = "true";
