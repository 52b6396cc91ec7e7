//! `GET /groups/:id` (<https://docs.gitlab.com/api/groups/#retrieve-a-group>).

use super::encode;
use crate::domain::id::{GroupId, GroupRef};
use crate::domain::snapshot::Group;
use crate::gitlab::error::Error;
use crate::gitlab::transport::Transport;
use serde::Deserialize;

#[derive(Deserialize)]
struct RestGroupWire {
    id: u64,
    full_path: String,
    web_url: Option<String>,
}

pub(crate) fn key(group: &GroupRef) -> String {
    match group {
        GroupRef::Id(id) => id.to_string(),
        GroupRef::Path(path) => encode(path),
    }
}

pub(crate) async fn read(transport: &Transport, group: &GroupRef) -> Result<Group, Error> {
    // Without with_projects=false the answer carries up to 100 projects that this does not need.
    let answer = transport.get(&format!("groups/{}?with_projects=false", key(group))).await?;
    let wire: RestGroupWire = answer.decode()?;
    if matches!(group, GroupRef::Id(asked) if asked.0 != wire.id) {
        return Err(answer.odd("the group is another one"));
    }
    Ok(Group { id: GroupId(wire.id), full_path: wire.full_path, web_url: wire.web_url })
}
