"""Reads and acts on the simulated GitLab with python-gitlab, a client that knows nothing of it.

python_gitlab.py FILE [FILE]: the first FILE has what `glwatch sim` prints, the second what `glwatch sim --history`
prints. Ends with 0, or names the first thing that is not as GitLab documents it.
"""

import sys

import gitlab
from gitlab.exceptions import GitlabAuthenticationError, GitlabError

STATUSES = [
    "created", "waiting_for_resource", "preparing", "waiting_for_callback", "pending", "running", "success", "failed",
    "canceling", "canceled", "skipped", "manual", "scheduled",
]  # fmt: skip

checked = 0


def check(holds, sentence):
    global checked
    if not holds:
        sys.exit(f"FAILED: {sentence}")
    checked += 1


def refused(status, call, sentence):
    """Checks that a call ends in this HTTP status."""
    try:
        call()
    except GitlabError as error:
        check(error.response_code == status, f"{sentence}: {error.response_code} instead of {status}")
        check(error.error_message, f"{sentence}: the refusal has no words")
    else:
        check(False, f"{sentence}: accepted")


def server_and_token(gl, url):
    gl.auth()
    check(gl.user.username, "auth() finds the user of the token")
    version, revision = gl.version()
    check(version != "unknown" and revision != "unknown", "the version is known")
    check(gl.personal_access_tokens.get("self").active, "the token is active")
    bad = gitlab.Gitlab(url, private_token="nonsense")
    try:
        bad.auth()
    except GitlabAuthenticationError:
        check(True, "")
    else:
        check(False, "a wrong token is refused")
    bearer = gitlab.Gitlab(url, oauth_token=gl.private_token)
    bearer.auth()
    check(bearer.user.id == gl.user.id, "the token is accepted as a bearer, too")
    answer = gl.http_get("/projects", raw=True, query_data={"per_page": 100})
    check(answer.headers["Content-Encoding"] == "gzip", "a large answer is compressed")
    check("RateLimit-Remaining" in answer.headers, "the rate limit is announced")
    check(gl.http_head("/projects")["X-Page"] == "1", "HEAD answers headers")


def users(gl):
    """Lists the projects in the namespaces of users: each is among all projects, and in no group."""
    of_users = [project for project in gl.projects.list(get_all=True) if project.namespace["kind"] == "user"]
    for project in of_users:
        username = project.namespace["full_path"]
        mine = gl.users.get(username, lazy=True).projects.list(get_all=True, order_by="id", sort="asc")
        check(project.id in [one.id for one in mine], f"{username}: {project.path} is listed")
        check(all(one.path_with_namespace == f"{username}/{one.path}" for one in mine), f"{username}: nothing else is")
        found = gl.projects.list(search=project.name.upper(), get_all=True)
        check(project.id in [one.id for one in found], f"{project.name} is found, whatever its capitals")
        refused(404, lambda name=username: gl.groups.get(name), f"{username} is no group")
    refused(404, lambda: gl.users.get("nobody", lazy=True).projects.list(get_all=True), "an unknown user")


def groups(gl, group_id):
    group = gl.groups.get(group_id, with_projects=False)
    check(gl.groups.get(group.full_path).id == group.id, "a group is found by its path")
    everywhere = group.projects.list(include_subgroups=True, get_all=True)
    direct = group.projects.list(with_shared=False, get_all=True)
    check(len(everywhere) > len(direct), "subgroups are listed when asked for")
    ids = [project.id for project in group.projects.list(
        include_subgroups=True, order_by="id", sort="asc", per_page=7, iterator=True)]  # fmt: skip
    check(ids == sorted(set(ids)) and len(ids) == len(everywhere), "small pages have every project once")
    second = group.projects.list(include_subgroups=True, order_by="id", sort="asc", per_page=7, page=2, get_all=False)
    check([project.id for project in second] == ids[7:14], "page 2 follows page 1")
    pages = group.projects.list(include_subgroups=True, per_page=7, iterator=True)
    check(pages.total == len(ids) and pages.total_pages == -(-len(ids) // 7), "the totals are right")
    archived = group.projects.list(include_subgroups=True, archived=True, get_all=True)
    check(archived and all(project.archived for project in archived), "archived projects are listed alone")
    for project in everywhere:
        names = project.name_with_namespace.split(" / ")
        check(names[-1] == project.name, f"{project.path_with_namespace}: the last name is its own")
        depth = project.path_with_namespace.count("/")
        check(len(names) == depth + 1, f"{project.path_with_namespace}: {names} are not the names of all its groups")
    below = group.subgroups.list(get_all=True)
    check(below and all(child.parent_id == group.id for child in below), "subgroups are the next level")
    check(len(group.descendant_groups.list(get_all=True)) >= len(below), "descendants are all levels")
    listed = [one.id for one in gl.groups.list(get_all=True)]
    check(group.id in listed, "/groups lists the group")
    check(set(ids) <= {project.id for project in gl.projects.list(get_all=True)}, "/projects lists all of them")
    users(gl)
    return [gl.projects.get(project.id) for project in everywhere]


def pipelines_of(project):
    """Lists the pipelines; None where GitLab refuses, because CI is off."""
    try:
        return project.pipelines.list(get_all=True)
    except GitlabError as error:
        check(error.response_code == 403 and not project.jobs_enabled, f"{project.path}: {error}")
        return None


def filters(project, everything):
    """Compares every filter with the same done by hand."""
    path = project.path_with_namespace

    def same(sentence, expected, **query):
        found = sorted(one.id for one in project.pipelines.list(get_all=True, **query))
        expected = sorted(one.id for one in everything if expected(one))
        check(found == expected, f"{path}: {sentence} {query}: {found} instead of {expected}")

    for status in STATUSES:
        same("status", lambda one: one.status == status, status=status)
    one = everything[0]
    same("ref", lambda other: other.ref == one.ref, ref=one.ref)
    same("sha", lambda other: other.sha == one.sha, sha=one.sha)
    same("source", lambda other: other.source == "push", source="push")
    same("updated_after", lambda other: other.updated_at > one.updated_at, updated_after=one.updated_at)
    same("updated_before", lambda other: other.updated_at < one.updated_at, updated_before=one.updated_at)
    same("created_after", lambda other: other.created_at > one.created_at, created_after=one.created_at)
    same("created_before", lambda other: other.created_at < one.created_at, created_before=one.created_at)
    same("scope", lambda other: other.status == "running", scope="running")
    same("scope", lambda other: other.status == "pending", scope="pending")
    same("name", lambda other: other.name == "no such name", name="no such name")
    details = [project.pipelines.get(other.id) for other in everything]
    tagged = {other.id for other in details if other.tag}
    check({other.id for other in project.pipelines.list(scope="tags", get_all=True)} <= tagged, f"{path}: tags")
    broken = {other.id for other in details if other.yaml_errors}
    same("yaml_errors", lambda other: other.id in broken, yaml_errors=True)
    user = details[0].user["username"]
    mine = {other.id for other in details if other.user["username"] == user}
    same("username", lambda other: other.id in mine, username=user)
    for order in ["id", "status", "ref", "updated_at", "user_id"]:
        up = [other.id for other in project.pipelines.list(order_by=order, sort="asc", get_all=True)]
        down = [other.id for other in project.pipelines.list(order_by=order, sort="desc", get_all=True)]
        check(up == down[::-1] and len(up) == len(everything), f"{path}: {order} up and down")


def inside(project, pipeline):
    """Reads one pipeline: details, jobs, bridges, reports, a log."""
    path = f"{project.path_with_namespace}#{pipeline.id}"
    detailed = project.pipelines.get(pipeline.id)
    check(detailed.id == pipeline.id and detailed.detailed_status["text"], f"{path}: details")
    jobs = pipeline.jobs.list(get_all=True)
    retried = pipeline.jobs.list(include_retried=True, get_all=True)
    check({job.id for job in jobs} <= {job.id for job in retried}, f"{path}: attempts include the current jobs")
    check([job.id for job in retried] == sorted((job.id for job in retried), reverse=True), f"{path}: newest job first")
    failed = pipeline.jobs.list(scope=["failed"], get_all=True)
    check(all(job.status == "failed" and job.failure_reason for job in failed), f"{path}: failed jobs have a reason")
    for bridge in pipeline.bridges.list(get_all=True):
        below = bridge.downstream_pipeline
        check(below is None or below["project_id"] and below["status"], f"{path}: the pipeline of {bridge.name}")
    if jobs:
        job = project.jobs.get(jobs[0].id)
        check(job.pipeline["id"] == pipeline.id, f"{path}: a job knows its pipeline")
        check(isinstance(job.trace(), bytes), f"{path}: a job has a log")
    report, summary = pipeline.test_report.get(), pipeline.test_report_summary.get()
    check(report.total_count == summary.total["count"], f"{path}: report and summary count the same")
    commit = project.commits.get(pipeline.sha)
    check(commit.last_pipeline["sha"] == pipeline.sha, f"{path}: its commit")
    return retried


def project_jobs(project, expected):
    found = [job.id for job in project.jobs.list(get_all=True, per_page=11)]
    path = project.path_with_namespace
    check(found == sorted(found, reverse=True), f"{path}: newest job first")
    check(expected <= set(found), f"{path}: the list of jobs has those of its pipelines")
    keyset = [job.id for job in project.jobs.list(get_all=True, pagination="keyset", order_by="id", sort="desc")]
    check(keyset == found, f"{path}: keyset paging finds the same jobs")


def actions(projects):
    """Retries, cancels and plays the first of each that can be."""
    done = set()
    for project in projects:
        for pipeline in pipelines_of(project) or []:
            for job in pipeline.jobs.list(get_all=True):
                if "play" not in done and job.status == "manual":
                    played = project.jobs.get(job.id)
                    played.play()
                    check(project.jobs.get(job.id).status != "manual", "a job that was played goes on")
                    refused(400, played.play, "what cannot be played")
                    done.add("play")
                if "cancel" not in done and job.status == "running":
                    project.jobs.get(job.id).cancel()
                    check(project.jobs.get(job.id).status == "canceled", "a job that was canceled is canceled")
                    done.add("cancel")
                if "retry" not in done and job.status == "failed" and pipeline.status == "failed":
                    again = project.jobs.get(job.id).retry()
                    check(again["id"] > job.id and again["status"] != "failed", "a retried job is a new one")
                    refused(403, project.jobs.get(job.id).retry, "a job that was retried cannot be retried")
                    done.add("retry")
            if "pipelines" not in done and pipeline.status == "failed":
                pipeline.retry()
                pipeline.cancel()
                check(project.pipelines.get(pipeline.id).status in ("canceled", "failed", "success"), "a pipeline ends")
                done.add("pipelines")
        if len(done) == 4:
            return
    check(False, f"only {sorted(done)} could be done")


def hooks(project):
    """The webhooks of a project."""
    path = project.path_with_namespace
    made = project.hooks.create({"url": "https://hub.example.com/webhook", "job_events": True, "token": "a-secret"})
    check(made.push_events and made.job_events and not made.pipeline_events, f"{path}: events of a new hook")
    check(made.alert_status == "executable" and not hasattr(made, "token"), f"{path}: its state, and no secret")
    made.pipeline_events = True
    made.save()
    check(project.hooks.get(made.id).pipeline_events, f"{path}: a changed hook")
    check([hook.id for hook in project.hooks.list(get_all=True)] == [made.id], f"{path}: the list of hooks")
    refused(422, lambda: project.hooks.create({"url": "ftp://hub.example.com"}), f"{path}: a hook of another scheme")
    made.delete()
    check(project.hooks.list(get_all=True) == [], f"{path}: a deleted hook")
    refused(404, lambda: project.hooks.get(made.id), f"{path}: a hook that is gone")


def wrong(gl, project, pipeline):
    def pipelines(**query):
        return lambda: project.pipelines.list(get_all=False, **query)

    refused(400, pipelines(page=0), "page 0")
    refused(400, pipelines(per_page=0), "no records a page")
    refused(400, pipelines(per_page="abc"), "a word for a number")
    for name in ["scope", "status", "source", "order_by", "sort"]:
        refused(400, pipelines(**{name: "nonsense"}), f"an unknown {name}")
    refused(400, pipelines(updated_after="soon"), "a word for a time")
    refused(400, pipelines(yaml_errors="maybe"), "a word for a boolean")
    refused(400, lambda: gl.groups.list(get_all=False, order_by="size"), "an unknown order of groups")
    refused(400, lambda: gl.projects.list(get_all=False, archived="maybe"), "a word for a boolean of projects")
    refused(400, lambda: pipeline.jobs.list(get_all=False, scope=["red"]), "an unknown scope of jobs")
    for sentence, call in [
        ("a project", lambda: gl.projects.get(1)),
        ("a pipeline", lambda: project.pipelines.get(1)),
        ("a job", lambda: project.jobs.get(1)),
        ("a commit", lambda: project.commits.get("0" * 40)),
    ]:
        try:
            call()
        except GitlabError as error:
            check(error.response_code == 404, f"{sentence} that does not exist: {error}")
        else:
            check(False, f"{sentence} that does not exist is found")


def past(url, token, group_id):
    """Checks what a group with weeks behind it delivered."""
    gl = gitlab.Gitlab(url, private_token=token)
    group = gl.groups.get(group_id)
    requests = group.mergerequests.list(get_all=True, scope="all", per_page=50)
    merged = group.mergerequests.list(get_all=True, scope="all", state="merged")
    check(merged and len(merged) < len(requests), "some merge requests of the group are merged")
    check(all(one.merged_at and one.merge_user["username"] for one in merged), "a merged one says when and by whom")
    issues = group.issues.list(get_all=True)
    incidents = group.issues.list(get_all=True, issue_type="incident")
    check(incidents and len(incidents) < len(issues), "incidents are among the issues")
    check(all(one.type == "INCIDENT" for one in incidents), "an incident says so")
    for listed in group.projects.list(get_all=True, include_subgroups=True):
        delivered(gl.projects.get(listed.id), incidents)


def delivered(project, incidents):
    path = project.path_with_namespace
    environments = project.environments.list(get_all=True)
    check({one.tier for one in environments} == {"staging", "production"}, f"{path}: two tiers")
    check(project.environments.get(environments[0].id).last_deployment["id"], f"{path}: a last deployment")
    deployments = project.deployments.list(get_all=True, per_page=3)
    check([one.iid for one in deployments] == list(range(1, len(deployments) + 1)), f"{path}: deployments by id")
    good = project.deployments.list(
        get_all=True, status="success", order_by="finished_at", finished_after="2020-01-01T00:00:00Z"
    )
    check({one.id for one in good} == {one.id for one in deployments if one.status == "success"}, f"{path}: good ones")
    refused(
        400,
        lambda: project.deployments.list(get_all=False, finished_after="2020-01-01T00:00:00Z"),
        f"{path}: a filter by the end without its order",
    )
    refused(400, lambda: project.deployments.list(get_all=False, status="broken"), f"{path}: an unknown status")
    brought = [one.iid for deployment in good for one in deployment.mergerequests.list(get_all=True)]
    check(brought, f"{path}: deployments bring merge requests")
    request = project.mergerequests.get(brought[0])
    commits = list(request.commits())
    check(commits[0].id == request.sha, f"{path}: the newest commit of a merge request is its head")
    check(commits[-1].authored_date < request.created_at, f"{path}: its first commit is older than itself")
    check(request.pipelines.list(get_all=False)[0].sha == request.sha, f"{path}: its pipeline")
    mine = project.issues.list(get_all=True, issue_type="incident")
    check({one.id for one in mine} == {one.id for one in incidents if one.project_id == project.id}, f"{path}: issues")
    project_jobs(project, {job.id for job in project.pipelines.list(get_all=False)[0].jobs.list(get_all=True)})
    filters(project, pipelines_of(project))


def main(url, token, group_id):
    gl = gitlab.Gitlab(url, private_token=token)
    server_and_token(gl, url)
    projects = groups(gl, group_id)
    seen = [(project, pipelines_of(project)) for project in projects]
    seen = [(project, pipelines) for project, pipelines in seen if pipelines]
    check(len(seen) > 20, f"only {len(seen)} projects have pipelines")
    still = [(project, some) for project, some in seen if all(one.status in ("success", "failed") for one in some)]
    for project, pipelines in still[:8]:
        filters(project, pipelines)
    for project, pipelines in still:
        jobs = inside(project, pipelines[0])
        project_jobs(project, {job.id for job in jobs})
    project, pipelines = still[0]
    wrong(gl, project, pipelines[0])
    actions(projects)
    hooks(project)


if __name__ == "__main__":
    for file, look in zip(sys.argv[1:], (main, past)):
        with open(file, encoding="utf-8") as printed:
            words = printed.read().split()
        look(words[0], words[words.index("token") + 1], int(words[words.index("group") + 1]))
    print(f"{checked} checks, python-gitlab {gitlab.__version__}")
