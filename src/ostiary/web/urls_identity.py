"""Addresses on the sign-in host. Who may see which is said in `signin.gate`, refused by default."""

from django.urls import path

from ostiary.web import workload
from ostiary.web.portal import authenticators, request_asking, requests
from ostiary.web.portal import views as portal
from ostiary.web.scim import scim
from ostiary.web.signin import (
    directory,
    forgotten,
    handover,
    link_offer,
    links,
    passkey,
    password,
    prove,
    saml,
    saml_sign_out,
    second_step,
    set_up,
    sign_out,
)

handler400 = "ostiary.web.signin.failures.bad_request"
handler403 = "ostiary.web.signin.failures.forbidden"
handler404 = "ostiary.web.signin.failures.not_found"
handler500 = "ostiary.web.signin.failures.server_error"

urlpatterns = [
    path("", portal.apps, name="portal_apps"),
    path("sign-in", password.sign_in, name="account_login"),
    path("sign-in/passkey", passkey.passkey_sign_in, name="mfa_login_webauthn"),
    path("sign-in/with/<slug:provider_id>", directory.to_directory, name="directory"),
    path("sign-in/with/<slug:provider_id>/callback", directory.from_directory, name="directory_callback"),
    path("sign-in/second-step", second_step.second_step, name="mfa_authenticate"),
    path("sign-in/second-step/options", second_step.second_step_options, name="mfa_authenticate_options"),
    path("sign-in/start-over", second_step.start_over, name="start_over"),
    path("sign-in/switched-off", password.inactive, name="account_inactive"),
    path("sign-in/forgotten", forgotten.password_forgotten, name="password_forgotten"),
    path("sign-out", sign_out.sign_out, name="account_logout"),
    path("link/<str:token>", links.open_link, name="link"),
    path("invitation", links.invitation, name="invitation"),
    path("invitation/password", links.invitation_password, name="invitation_password"),
    path("invitation/passkey", links.invitation_passkey, name="invitation_passkey"),
    path("new-password", links.password_new, name="password_new"),
    path("confirm-address", links.email_confirm, name="email_confirm"),
    path("emergency", links.emergency, name="emergency"),
    path("set-up", set_up.set_up, name="set_up"),
    path("set-up/passkey", set_up.set_up_passkey, name="set_up_passkey"),
    path("set-up/passkey/options", set_up.set_up_passkey_options, name="set_up_passkey_options"),
    path("set-up/app", set_up.set_up_app, name="set_up_app"),
    path("set-up/recovery-codes", set_up.set_up_codes, name="set_up_codes"),
    path("set-up/done", set_up.set_up_done, name="set_up_done"),
    path("prove", prove.prove, name="prove"),
    path("prove/options", prove.proof_options, name="proof_options"),
    path("step-up", prove.step_up, name="step_up"),
    path("back", prove.back_to_app, name="back_to_app"),
    path("continue", handover.hand_over, name="continue"),
    path("sessions", portal.sessions, name="portal_sessions"),
    path("sessions/end-all", portal.end_all_sessions, name="portal_end_all_sessions"),
    path("sessions/<str:session_id>/end", portal.end_session, name="portal_end_session"),
    path("authenticators", authenticators.authenticators, name="portal_authenticators"),
    path("authenticators/password", authenticators.password, name="portal_password"),
    path("authenticators/password/remove", authenticators.remove, name="portal_remove_password"),
    path("authenticators/link", link_offer.confirm_link, name="portal_link_confirm"),
    path("authenticators/link/<slug:provider_id>", link_offer.begin_link, name="portal_link"),
    path("authenticators/linked/<str:link_id>/remove", link_offer.unlink, name="portal_unlink"),
    path("authenticators/<str:authenticator_id>/rename", authenticators.rename, name="portal_rename"),
    path("authenticators/<str:authenticator_id>/remove", authenticators.remove, name="portal_remove"),
    path("scim/v2/<path:rest>", scim, name="scim"),
    path("workload/token", workload.token, name="workload_token"),
    path(".well-known/oauth-authorization-server", workload.metadata, name="workload_metadata"),
    path("saml/metadata", saml.metadata, name="saml_metadata"),
    path("saml/sign-in", saml.sign_in, name="saml_sign_in"),
    path("saml/continue", saml.go_on, name="saml_continue"),
    path("saml/quietly", saml.quietly, name="saml_quietly"),
    path("saml/again", saml.again, name="saml_again"),
    path("saml/open/<slug:app_id>", saml.open_app, name="saml_open"),
    path("saml/sign-out", saml_sign_out.sign_out, name="saml_sign_out"),
    path("saml/signed-out", saml_sign_out.signed_out, name="saml_signed_out"),
    path("requests", requests.requests, name="portal_requests"),
    path("requests/new", request_asking.ask_for_access, name="portal_ask"),
    path("requests/answer/<str:token>", requests.from_mail, name="portal_request_from_mail"),
    path("requests/<str:request_id>", requests.show, name="portal_request"),
    path("requests/<str:request_id>/answer", requests.answer, name="portal_request_answer"),
    path("requests/<str:request_id>/withdraw", requests.take_back, name="portal_request_withdraw"),
    path("requests/<str:request_id>/hand-back", requests.give_back, name="portal_request_hand_back"),
    path("requests/<str:request_id>/extend", request_asking.go_on, name="portal_request_extend"),
    path("profile", portal.profile, name="portal_profile"),
    path("profile/confirm-address", portal.confirm_address, name="portal_confirm_address"),
]
