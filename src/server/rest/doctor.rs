//! Data-quality checks: `GET /api/v2/data/doctor`, limited to the caller's scope.

use axum::response::Response;

use crate::query::doctor::{FindingCode, cost, doctor};
use crate::server::limits::{FINDINGS_DEFAULT, FINDINGS_MAX};
use crate::server::request::params::{Param, ParamType, unprocessable_error};
use crate::server::response::problem::Result;
use crate::server::rest::list::{JsonPage, ListRequest};
use crate::server::rest::openapi::parameters::parameters;
use crate::server::rest::openapi::responses::{Examined, Refused};
use crate::wire::finding::DoctorReport;

/// The parameters of the data-quality checks.
pub(super) const DOCTOR: &[Param] = &[
    Param {
        name: "code",
        value_type: ParamType::Words(&FindingCode::NAMES),
        about: "Only findings of this code. May be repeated: findings of any of the codes. Default: all codes.",
    },
    Param {
        name: "limit",
        value_type: ParamType::Whole(1, FINDINGS_MAX),
        about: "The maximum number of findings to return. Default: 100. `count` and `counts` include all findings.",
    },
    Param {
        name: "cursor",
        value_type: ParamType::Text,
        about: "Continues after an earlier page: the `cursor` of its response. Use it with the same `code` values.",
    },
];

parameters!(DoctorParams = DOCTOR);

/// Runs the data-quality checks: duplicate names, people and projects in no unit, unknown owners and the like.
///
/// A finding is not damage; someone who knows the organization has to judge it. A token limited to units gets findings
/// about records in its scope only.
#[utoipa::path(
    get, path = "/api/v2/data/doctor", tag = "doctor", operation_id = "doctor",
    params(DoctorParams),
    responses((status = 200, description = "The findings, ordered by code, and their number.", body = DoctorReport), Examined, Refused)
)]
pub(super) async fn show(request: ListRequest) -> Result<Response> {
    let list = request.parse_only(&[DOCTOR])?;
    let codes: Vec<_> = list.params.all("code").filter_map(FindingCode::named).collect();
    let limit = list.params.whole("limit").unwrap_or(FINDINGS_DEFAULT);
    let after = list.params.one("cursor").map(str::to_owned);
    list.json(
        // Called twice when the checks have to wait for a slot, hence the clone.
        move |view, _| Ok((cost(view, &codes), codes.clone())),
        move |view, codes| {
            let findings = DoctorReport::of(view, &doctor(view, &codes), after.as_deref(), limit);
            let findings = findings.map_err(|refusal| unprocessable_error("cursor", refusal))?;
            Ok(JsonPage::of(&findings, findings.cursor.clone()))
        },
    )
    .await
}
