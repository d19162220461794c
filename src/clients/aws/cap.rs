//! What is not taken from an answer: a body without end, which the SDK reads for as long as it comes, and a clock that
//! cannot be right, by which the SDK would sign every request from then on (and fail on one near the year 9999).

use std::time::Duration;

use aws_runtime::service_clock_skew::DisableClockSkewCorrection;
use aws_sdk_sts::config::interceptors::{
    BeforeDeserializationInterceptorContextMut, BeforeDeserializationInterceptorContextRef,
};
use aws_sdk_sts::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_sts::error::BoxError;
use aws_smithy_types::body::SdkBody;
use http_body_util::Limited;

/// The largest answer that is read, in bytes; a page of GetMetricData with 100,800 points is 3 MB.
pub(super) const LARGEST: usize = 16 << 20;

/// How far the clock of an answer may be from ours for the SDK to sign by it: hosts in a wrong time zone still work.
const BELIEVED: Duration = Duration::from_secs(24 * 3600);

/// Limits the body of each answer, errors included, and the clock that is believed of it.
#[derive(Debug)]
pub(super) struct Cap;

impl Intercept for Cap {
    fn name(&self) -> &'static str {
        "Cap"
    }

    /// Decided before the SDK's own interceptor looks at the header, and anew for each answer.
    fn read_after_transmit(
        &self,
        context: &BeforeDeserializationInterceptorContextRef<'_>,
        components: &RuntimeComponents,
        bag: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let header = context.response().headers().get("date");
        let ours = components.time_source().map(|source| jiff::Timestamp::try_from(source.now()));
        let ours = ours.and_then(Result::ok).map(jiff::Timestamp::as_millisecond);
        let near = |theirs: i64| ours.is_some_and(|ours| u128::from(ours.abs_diff(theirs)) <= BELIEVED.as_millis());
        let absurd = header.is_some_and(|text| !crate::clients::web::date(text).is_some_and(near));
        bag.interceptor_state().store_put(DisableClockSkewCorrection::from(absurd));
        Ok(())
    }

    fn modify_before_deserialization(
        &self,
        context: &mut BeforeDeserializationInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let body = context.response_mut().body_mut();
        let whole = std::mem::replace(body, SdkBody::taken());
        *body = SdkBody::from_body_1_x(Limited::new(whole, LARGEST));
        Ok(())
    }
}
