"""The console's addresses, on host `admin.<domain>`. Each is declared with its permission in `web.console`."""

from django.urls import include, path

from ostiary.web.console import (
    apps,
    audit,
    decisions,
    explain,
    groups,
    overview,
    people,
    replay,
    rules,
    rules_change,
    rules_trial,
    search,
    sessions,
    unused,
)

handler400 = "ostiary.web.console.failures.bad_request"
handler403 = "ostiary.web.console.failures.permission_denied"
handler404 = "ostiary.web.console.failures.page_not_found"
handler500 = "ostiary.web.console.failures.server_error"

pages = [
    path("", overview.overview, name="overview"),
    path("parts/overview", overview.overview_part, name="overview_part"),
    path("search", search.search, name="search"),
    path("apps/", apps.apps, name="apps"),
    path("apps/export", apps.apps_export, name="apps_export"),
    path("apps/add", apps.app_add, name="app_add"),
    path("apps/<slug:app_id>/", apps.app, name="app"),
    path("apps/<slug:app_id>/change", apps.app_change, name="app_change"),
    path("apps/<slug:app_id>/remove", apps.app_remove, name="app_remove"),
    path("people/", people.people, name="people"),
    path("people/export", people.people_export, name="people_export"),
    path("people/invite", people.person_invite, name="person_invite"),
    path("people/<str:person_id>/", people.person, name="person"),
    path("people/<str:person_id>/rename", people.person_rename, name="person_rename"),
    path("people/<str:person_id>/invite", people.person_invite_again, name="person_invite_again"),
    path("people/<str:person_id>/reset", people.person_reset, name="person_reset"),
    path("people/<str:person_id>/disable", people.person_disable, name="person_disable"),
    path("people/<str:person_id>/enable", people.person_enable, name="person_enable"),
    path("people/<str:person_id>/sign-out", sessions.sessions_revoke_of, name="sessions_revoke_of"),
    path("groups/", groups.groups, name="groups"),
    path("groups/add", groups.group_add, name="group_add"),
    path("groups/<slug:group_id>/", groups.group, name="group"),
    path("groups/<slug:group_id>/export", groups.group_export, name="group_export"),
    path("groups/<slug:group_id>/remove", groups.group_remove, name="group_remove"),
    path("groups/<slug:group_id>/members/add", groups.member_add, name="member_add"),
    path("groups/<slug:group_id>/members/<str:person_id>/remove", groups.member_remove, name="member_remove"),
    path("sessions/", sessions.sessions, name="sessions"),
    path("sessions/export", sessions.sessions_export, name="sessions_export"),
    path("sessions/<str:session_id>/revoke", sessions.session_revoke, name="session_revoke"),
    path("rules/", rules.rules, name="rules"),
    path("rules/edit", rules_change.rules_edit, name="rules_edit"),
    path("rules/confirm", rules_trial.rules_confirm, name="rules_confirm"),
    path("rules/roll-back", rules_trial.rules_roll_back, name="rules_roll_back"),
    path("rules/proposals/", rules_trial.rules_proposals, name="rules_proposals"),
    path("rules/proposals/<int:proposal_id>", rules_trial.rules_proposal, name="rules_proposal"),
    path("rules/replay/", replay.rules_replay, name="rules_replay"),
    path("rules/unused", unused.rules_unused, name="rules_unused"),
    path("rules/unused/export", unused.rules_unused_export, name="rules_unused_export"),
    path("rules/unused/review", unused.rules_unused_review, name="rules_unused_review"),
    path("rules/history", rules.rules_history, name="rules_history"),
    path("rules/history/<int:number>", rules.rules_version, name="rules_version"),
    path("explain/", explain.explain, name="explain"),
    path("decisions/", decisions.decisions, name="decisions"),
    path("decisions/export", decisions.decisions_export, name="decisions_export"),
    path("decisions/<str:reference>/", decisions.decision, name="decision"),
    path("decisions/<str:reference>/event.json", decisions.decision_event, name="decision_event"),
    path("audit/", audit.audit, name="audit"),
    path("audit/export", audit.audit_export, name="audit_export"),
    path("audit/download", audit.audit_download, name="audit_download"),
    path("audit/<slug:stream>/<int:seq>", audit.audit_event, name="audit_event"),
]
urlpatterns = [path("", include((pages, "console")))]
