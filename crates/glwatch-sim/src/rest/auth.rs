//! Who asks, and what GitLab says to those who may not.

use serde_json::{Value, json};

use super::api_request::{ApiAnswer, ApiRequest, RestApi, time};
use crate::options::{Access, TOKEN_API, TOKEN_EXPIRED, TOKEN_READ_API, TOKEN_READ_USER};
use crate::plan::USERS;
use crate::world::EPOCH_MS;

/// The scopes of which one is enough to read.
pub(crate) const READING_SCOPES: &str = "api read_api";

/// Returns the documented body with which GitLab refuses a token that lacks these scopes.
pub(crate) fn insufficient_scope(scopes: &str) -> Value {
    json!({
        "error": "insufficient_scope",
        "error_description": "The request requires higher privileges than provided by the access token.",
        "scope": scopes,
    })
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ApiCaller {
    Anonymous,
    /// A token with `read_api`.
    Reader,
    /// A token with `api`.
    Actor,
    /// A valid token without `read_api`.
    ReadUser,
    Expired,
    Unknown,
}

/// Tells the caller from the values of `Authorization` and of `PRIVATE-TOKEN` or the parameter `private_token`.
pub(crate) fn caller(authorization: Option<&str>, private_token: Option<&str>) -> ApiCaller {
    let bearer = authorization.map(|value| value.strip_prefix("Bearer ").unwrap_or(value));
    match private_token.or(bearer).map(str::trim) {
        None => ApiCaller::Anonymous,
        Some(TOKEN_READ_API) => ApiCaller::Reader,
        Some(TOKEN_API) => ApiCaller::Actor,
        Some(TOKEN_READ_USER) => ApiCaller::ReadUser,
        Some(TOKEN_EXPIRED) => ApiCaller::Expired,
        Some(_) => ApiCaller::Unknown,
    }
}

impl ApiCaller {
    /// Returns whether the token may read.
    pub(crate) fn reads(self) -> bool {
        matches!(self, Self::Reader | Self::Actor)
    }

    /// Returns GitLab's refusal of this route kind, if it refuses before looking at the resource.
    pub(super) fn refusal(self, kind: &str, access: Access) -> Option<ApiAnswer> {
        let writes =
            matches!(kind.rsplit('_').next(), Some("retry" | "cancel" | "play" | "create" | "edit" | "delete"));
        let about_oneself = matches!(kind, "metadata" | "version" | "token" | "user");
        match self {
            Self::Expired => Some(ApiAnswer::error(
                401,
                json!({
                    "error": "invalid_token",
                    "error_description": "Token is expired. You can either do re-authorization or token refresh.",
                }),
            )),
            Self::Unknown => Some(ApiAnswer::message(401, "401 Unauthorized")),
            Self::ReadUser | Self::Reader if writes => Some(ApiAnswer::error(403, insufficient_scope("api"))),
            Self::ReadUser if !about_oneself => Some(ApiAnswer::error(403, insufficient_scope(READING_SCOPES))),
            // These need a user even where everything else is public: the latter by the first line of
            // lib/api/ci/jobs.rb.
            Self::Anonymous if about_oneself || writes || matches!(kind, "job" | "trace" | "hook" | "hooks") => {
                Some(ApiAnswer::message(401, "401 Unauthorized"))
            }
            Self::Anonymous if access == Access::Private && kind.starts_with("group") && kind != "groups" => {
                Some(ApiAnswer::group_not_found())
            }
            Self::Anonymous | Self::ReadUser | Self::Reader | Self::Actor => None,
        }
    }
}

/// `GET /personal_access_tokens/self`; GitLab answers it for a token of any scope.
pub(super) fn token_self(rest: &RestApi<'_>, asked: &ApiRequest<'_>) -> ApiAnswer {
    let scope = match asked.caller {
        ApiCaller::ReadUser => "read_user",
        ApiCaller::Actor => "api",
        _ => "read_api",
    };
    ApiAnswer::ok(json!({
        "id": 4, "name": "glwatch", "revoked": false, "created_at": time(EPOCH_MS), "description": "Simulated token",
        "scopes": [scope], "user_id": 1, "last_used_at": time(rest.now), "active": true, "expires_at": null,
    }))
}

/// `GET /user` (<https://docs.gitlab.com/api/users/#list-current-user>).
pub(super) fn user(rest: &RestApi<'_>) -> ApiAnswer {
    let (username, name) = USERS[0];
    let (email, created) = (format!("{username}@example.com"), time(EPOCH_MS));
    ApiAnswer::ok(json!({
        "id": 1, "username": username, "name": name, "state": "active", "locked": false, "avatar_url": null,
        "web_url": format!("{}/{username}", rest.base), "created_at": created, "bio": "", "location": null,
        "public_email": email, "linkedin": "", "twitter": "", "discord": "", "website_url": "", "organization": "",
        "job_title": "", "pronouns": "", "bot": false, "work_information": null, "followers": 0, "following": 0,
        "local_time": null, "last_sign_in_at": created, "confirmed_at": created, "theme_id": 1,
        "last_activity_on": time(rest.now)[..10], "email": email, "color_scheme_id": 1, "projects_limit": 100,
        "current_sign_in_at": created, "identities": [], "can_create_group": true, "can_create_project": true,
        "two_factor_enabled": true, "external": false, "private_profile": false, "commit_email": email,
    }))
}
