"use strict";
// Shows the snapshot and takes it again when something changes. Foreign text is only ever set as text.
(() => {
  const byId = (id) => document.getElementById(id);
  const ORDER = ["failed", "error", "unread", "stale", "warning", "canceled", "active", "manual", "other", "success"];
  let snapshot = null;
  // When the youngest of what is shown was read, by this device's clock, and by GitLab's.
  let readAt = null;
  let newest = null;
  let freshFor = 120;
  let wait = null;

  const kind = (word) => {
    if (["failed", "error", "unread", "stale", "warning", "canceled", "manual", "success"].includes(word)) return word;
    const active = ["created", "waiting_for_resource", "preparing", "waiting_for_callback", "pending", "running", "canceling"];
    return active.includes(word) ? "active" : "other";
  };

  const look = (word) => {
    const of = kind(word);
    if (["failed", "error", "unread", "stale"].includes(of)) return "failed";
    return ["warning", "active", "success"].includes(of) ? of : "";
  };

  // The worst pipeline of a project, or the state that takes its place.
  const worst = (project) => {
    if (project.state !== "ok") return project.state;
    const words = project.pipelines.map((pipeline) => pipeline.worst);
    words.sort((a, b) => ORDER.indexOf(kind(a)) - ORDER.indexOf(kind(b)));
    return words[0] || "no_pipeline";
  };

  const what = (project) => {
    if (project.error) return project.error.message || "";
    for (const pipeline of project.pipelines) {
      if (pipeline.what) return pipeline.what;
      for (const stage of pipeline.stages) {
        for (const job of stage.jobs) {
          if (job.status === "failed" && !job.allow_failure) {
            return stage.name + " \u203a " + job.name + (job.failure_reason ? " \u00b7 " + job.failure_reason : "");
          }
        }
      }
    }
    const first = project.pipelines[0];
    return first && first.commit_title ? first.commit_title : "";
  };

  const element = (name, text, className) => {
    const made = document.createElement(name);
    if (text !== undefined) made.textContent = text;
    if (className) made.className = className;
    return made;
  };

  // Only links of GitLab itself are links.
  const link = (text, url) => {
    if (typeof url !== "string" || !snapshot || !url.startsWith(snapshot.host.replace(/\/$/, "") + "/")) return element("span", text);
    const made = element("a", text);
    made.href = url;
    made.rel = "noopener noreferrer";
    return made;
  };

  // Of others nothing is shown that could be old.
  const wasRead = (project) => ["ok", "no_pipeline", "stale"].includes(project.state);

  // What says of its project how old it is, where that is too old.
  let ages = [];

  const card = (project) => {
    const word = worst(project);
    const made = element("article", undefined, look(word));
    const title = element("h2");
    const pipeline = project.pipelines[0];
    title.append(link(project.full_path, pipeline ? pipeline.web_url : project.web_url));
    const state = element("p");
    state.append(element("span", word.replaceAll("_", " "), "state"));
    if (pipeline) state.append(" \u00b7 " + pipeline.ref + " \u00b7 #" + pipeline.id);
    const old = element("p", undefined, "old");
    old.hidden = true;
    if (wasRead(project)) ages.push([old, project]);
    made.append(title, state, old);
    const said = what(project);
    if (said) made.append(element("p", said));
    return made;
  };

  const show = () => {
    const projects = [...snapshot.projects];
    const rank = (project) => ORDER.indexOf(kind(worst(project)));
    projects.sort((a, b) => rank(a) - rank(b));
    // A server that lists users has no group to name.
    const owners = [...new Set(projects.map((project) => project.full_path.split("/")[0]))];
    const listed = owners.length > 3 ? "" : owners.join(", ");
    const group = snapshot.groups.map((one) => one.full_path).join(", ") || listed || "glwatch";
    byId("group").textContent = group;
    const counts = {};
    for (const project of projects) counts[worst(project)] = (counts[worst(project)] || 0) + 1;
    const shown = Object.entries(counts).map(([word, count]) => element("span", word.replaceAll("_", " ") + " " + count));
    byId("counts").replaceChildren(...shown);
    ages = [];
    byId("cards").replaceChildren(...projects.map(card));
    const problems = snapshot.problems.filter((problem) => problem.scope !== "project");
    trouble(problems.length ? problems[0].subject + ": " + problems[0].message : "");
    age();
  };

  // The sign says what is known: green only where everything was read, lately, and is green.
  const title = (isOld) => {
    const looks = snapshot.projects.map((project) => look(worst(project)));
    const failed = looks.filter((one) => one === "failed").length;
    const quiet = (project, at) => looks[at] === "success" || project.state === "no_pipeline";
    const certain = !isOld && snapshot.complete && looks.includes("success") && snapshot.projects.every(quiet);
    const sign = failed ? "\u2717" + failed + " " : certain ? "\u2713 " : isOld ? "? " : "";
    document.title = sign + byId("group").textContent;
  };

  const trouble = (text) => {
    byId("trouble").textContent = text;
    byId("trouble").hidden = !text;
  };

  const readAgo = (seconds) => "read " + (seconds < 90 ? seconds + " s" : Math.round(seconds / 60) + " min") + " ago";

  const age = () => {
    if (!readAt) return;
    const seconds = Math.max(0, Math.round((Date.now() - readAt) / 1000));
    const isUnread = newest === null && !snapshot.complete;
    const isOld = isUnread || seconds > freshFor;
    byId("age").textContent = (isUnread ? "nothing read" : readAgo(seconds)) + (snapshot.complete ? "" : ", not complete");
    byId("age").classList.toggle("old", isOld);
    for (const [text, project] of ages) {
      const its = seconds + Math.max(0, Math.round((newest - Date.parse(project.as_of)) / 1000));
      text.hidden = project.state !== "stale" && its <= freshFor;
      text.textContent = readAgo(its);
    }
    title(isOld);
  };

  const take = async () => {
    wait = null;
    try {
      const answer = await fetch("api/v1/snapshot");
      if (!answer.ok) throw new Error("the server answers " + answer.status);
      snapshot = await answer.json();
      // By the server's reckoning: the clock of this device may be another one. The age is that of the youngest project.
      readAt = Date.now() - 1000 * Number(answer.headers.get("age") || 0);
      const times = snapshot.projects.filter(wasRead).map((project) => Date.parse(project.as_of));
      newest = times.length ? times.reduce((one, other) => Math.max(one, other)) : null;
      // A server that GitLab tells what changes reads more seldom.
      freshFor = Math.max(120, Number(answer.headers.get("glwatch-fresh-for") || 0));
      show();
    } catch (error) {
      trouble("no news: " + error.message);
      later(5000);
    }
  };

  const later = (milliseconds) => {
    if (wait === null) wait = setTimeout(take, milliseconds);
  };

  const events = new EventSource("api/v1/events");
  events.addEventListener("snapshot", () => later(0));
  events.addEventListener("change", () => later(100));
  events.onerror = () => trouble("the connection is lost, trying again");
  events.onopen = () => later(0);
  setInterval(age, 1000);
  // What is read again without a change is newer all the same.
  setInterval(() => later(0), 30000);
})();
