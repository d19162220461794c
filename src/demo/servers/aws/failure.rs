//! What a service answers instead of a result; each protocol gives it its own shape.

/// An error of a service: its code, its HTTP status and its sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    pub status: u16,
    pub code: &'static str,
    pub message: String,
}

impl Failure {
    #[must_use]
    pub fn new(status: u16, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into() }
    }

    /// A value that breaks a constraint.
    #[must_use]
    pub fn validation(message: impl Into<String>) -> Self {
        Self::new(400, "ValidationError", message)
    }

    /// A parameter that is there and makes no sense.
    #[must_use]
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(400, "InvalidParameterValue", message)
    }

    /// A required parameter that is not there.
    #[must_use]
    pub fn missing(parameter: &str) -> Self {
        Self::new(400, "MissingParameter", format!("The request must contain the parameter {parameter}."))
    }

    /// Who is to blame, as AWS words it.
    #[must_use]
    pub fn side(&self) -> &'static str {
        if self.status >= 500 { "Receiver" } else { "Sender" }
    }

    /// The failure that goes with a status set by a drill.
    #[must_use]
    pub fn drilled(status: u16, caller: &str, service: &str, operation: &str) -> Self {
        match status {
            401 => Self::new(403, "ExpiredToken", "The security token included in the request is expired"),
            403 => Self::new(
                403,
                "AccessDenied",
                format!("User: {caller} is not authorized to perform: {service}:{operation}"),
            ),
            400 | 429 => Self::new(400, "Throttling", "Rate exceeded"),
            503 => Self::new(503, "ServiceUnavailable", "The service is temporarily unavailable."),
            _ => Self::new(status, "InternalFailure", "The request processing has failed because of an unknown error."),
        }
    }
}
