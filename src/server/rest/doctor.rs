//! What is worth a look about the data, for everyone who reads: within what the token sees.

use axum::response::Response;

use crate::query::doctor::{FindingCode, cost, doctor};
use crate::server::limits::{FINDINGS_DEFAULT, FINDINGS_MAX};
use crate::server::request::params::{Param, ParamType, refused_as};
use crate::server::response::problem::Result;
use crate::server::rest::list::{JsonPage, ListRequest};
use crate::server::rest::openapi::parameters::parameters;
use crate::server::rest::openapi::responses::{Examined, Refused};
use crate::wire::finding::DoctorAnswer;

/// The parameters of the doctor.
pub(super) const DOCTOR: &[Param] = &[
    Param {
        name: "code",
        shape: ParamType::Words(&FindingCode::WORDS),
        about: "Only findings of this code. Given several times: any of them.",
    },
    Param {
        name: "limit",
        shape: ParamType::Whole(1, FINDINGS_MAX),
        about: "At most so many findings; 100 when not given. All are counted.",
    },
    Param {
        name: "cursor",
        shape: ParamType::Text,
        about: "Only the findings after this point: the cursor of the answer before, with the same codes.",
    },
];

parameters!(DoctorParams = DOCTOR);

/// Looks the data over: names that come twice, people and projects in no unit, unknown owners, and the like.
///
/// No finding is damage: each is for someone who knows the organisation to judge. A token that is limited to units hears
/// of what it sees alone.
#[utoipa::path(
    get, path = "/api/v2/data/doctor", tag = "doctor", operation_id = "doctor",
    params(DoctorParams),
    responses((status = 200, description = "What is worth a look.", body = DoctorAnswer), Examined, Refused)
)]
pub(super) async fn show(request: ListRequest) -> Result<Response> {
    let list = request.just(&[DOCTOR])?;
    let codes: Vec<_> = list.known.all("code").filter_map(FindingCode::named).collect();
    let limit = list.known.whole("limit").unwrap_or(FINDINGS_DEFAULT);
    let after = list.known.one("cursor").map(str::to_owned);
    list.json(
        move |view, _| Ok((cost(view, &codes), codes.clone())),
        move |view, codes| {
            let answer = DoctorAnswer::of(view, &doctor(view, &codes), after.as_deref(), limit);
            let answer = answer.map_err(|no| refused_as("cursor", no))?;
            Ok(JsonPage::of(&answer, answer.cursor.clone()))
        },
    )
    .await
}
