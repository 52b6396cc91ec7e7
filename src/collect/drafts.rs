//! The pipelines of a project, from their reading to the end of the reading of all. The row that is shown meanwhile shares
//! them: a copy of each would make the first reading of a large group take twice the memory.

use crate::domain::failure::Failure;
use crate::domain::pipeline::{Downstream, DownstreamLink, Pipeline, Ref};
use crate::domain::status::Status;
use crate::gitlab::client::PipelineHead;
use std::sync::Arc;

/// A pipeline and where its bridges lead.
#[derive(Debug, Clone)]
pub(super) struct PipelineDraft {
    pub pipeline: Pipeline,
    pub links: Vec<DownstreamLink>,
    /// It and all below it are as they were: nothing of it was read again.
    pub is_settled: bool,
}

impl PipelineDraft {
    /// Makes a draft of a pipeline of which only the list has told, for this reason.
    pub(super) fn glimpse(head: &PipelineHead, failure: Failure) -> Self {
        let pipeline = Pipeline { unread: Some(failure), ..glimpsed(head) };
        Self { pipeline, links: Vec::new(), is_settled: false }
    }
}

/// Returns a pipeline of which only the list has told.
pub(super) fn glimpsed(head: &PipelineHead) -> Pipeline {
    // A status that is missing is not known, which is never fine.
    let status = head.status.clone().unwrap_or_else(Status::untold);
    Pipeline {
        created_at: head.created_at,
        updated_at: head.updated_at,
        web_url: head.web_url.clone(),
        ..Pipeline::without_details(head.id, status, Ref::from_gitlab(&head.raw_ref, None))
    }
}

/// The drafts of a project's pipelines, before what they triggered is followed: by then that is known only from bridges.
#[derive(Debug, Clone)]
pub(super) struct ProjectDrafts {
    pipelines: Arc<[Pipeline]>,
    /// As long as `pipelines`.
    links: Vec<Vec<DownstreamLink>>,
    /// As long as `pipelines`.
    are_settled: Vec<bool>,
}

impl From<Vec<PipelineDraft>> for ProjectDrafts {
    fn from(drafts: Vec<PipelineDraft>) -> Self {
        let (mut links, mut are_settled) = (Vec::with_capacity(drafts.len()), Vec::with_capacity(drafts.len()));
        let pipeline = |draft: PipelineDraft| {
            let mut pipeline = draft.pipeline;
            if !draft.is_settled {
                pipeline.downstream = draft.links.iter().map(below).collect();
            }
            links.push(draft.links);
            are_settled.push(draft.is_settled);
            pipeline
        };
        Self { pipelines: drafts.into_iter().map(pipeline).collect(), links, are_settled }
    }
}

impl ProjectDrafts {
    /// Returns the pipelines as they are known by now. Nothing in them is better than what is known in the end.
    pub(super) fn pipelines(&self) -> &Arc<[Pipeline]> {
        &self.pipelines
    }

    /// Returns the pipelines of which nothing was read again.
    pub(super) fn settled(&self) -> impl Iterator<Item = &Pipeline> {
        self.pipelines
            .iter()
            .zip(&self.are_settled)
            .filter(|(_, is_settled)| **is_settled)
            .map(|(pipeline, _)| pipeline)
    }

    /// Returns the pipelines, each with where its bridges lead and whether nothing of it was read again.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&Pipeline, &Vec<DownstreamLink>, bool)> {
        let parts = self.links.iter().zip(&self.are_settled);
        self.pipelines.iter().zip(parts).map(|(pipeline, (links, is_settled))| (pipeline, links, *is_settled))
    }

    /// Returns the pipelines that are meant, to be changed; where none is, nothing is copied. `is_meant` gets a pipeline and
    /// whether it is settled.
    pub(super) fn some_mut(&mut self, is_meant: impl Fn(&Pipeline, bool) -> bool) -> Vec<&mut Pipeline> {
        let are_meant: Vec<bool> =
            self.iter().map(|(pipeline, _, is_settled)| is_meant(pipeline, is_settled)).collect();
        if !are_meant.contains(&true) {
            return Vec::new();
        }
        let all = Arc::make_mut(&mut self.pipelines).iter_mut().zip(are_meant);
        all.filter(|(_, is_meant)| *is_meant).map(|(pipeline, _)| pipeline).collect()
    }

    /// Gives each pipeline what it triggered, and returns all with where their bridges lead. `triggered` gets what `iter`
    /// returns. A pipeline that triggered what was known already stays shared.
    pub(super) fn complete(
        self,
        triggered: impl Fn(&Pipeline, &[DownstreamLink], bool) -> Vec<Downstream>,
    ) -> (Arc<[Pipeline]>, Arc<[Vec<DownstreamLink>]>) {
        let found: Vec<Vec<Downstream>> =
            self.iter().map(|(pipeline, links, is_settled)| triggered(pipeline, links, is_settled)).collect();
        let Self { mut pipelines, links, .. } = self;
        for (at, downstream) in found.into_iter().enumerate() {
            if downstream != pipelines[at].downstream {
                Arc::make_mut(&mut pipelines)[at].downstream = downstream;
            }
        }
        (pipelines, links.into())
    }
}

/// Takes a triggered pipeline for unread until it is followed, unless its bridge tells all of it.
fn below(link: &DownstreamLink) -> Downstream {
    Downstream {
        id: link.id,
        iid: link.iid,
        project: link.project.clone(),
        status: link.status.clone(),
        has_warnings: link.has_warnings == Some(true),
        is_unread: link.has_warnings.is_none() || link.has_below != Some(false),
        web_url: link.web_url.clone(),
        downstream: Vec::new(),
    }
}
