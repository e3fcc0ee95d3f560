// Passkeys: fetches a challenge, asks the browser, and posts the answer with the form it belongs to.
// Forms: <form data-passkey="get|create" data-options="URL">. Without passkeys in this browser they stay hidden.
"use strict";

(() => {
  const forms = document.querySelectorAll("form[data-passkey]");
  if (!forms.length) return;
  const able = window.isSecureContext && typeof window.PublicKeyCredential === "function";
  const reveal = (selector) => document.querySelectorAll(selector).forEach((element) => (element.hidden = false));
  if (!able) {
    reveal("[data-passkey-absent]");
    return;
  }
  reveal("form[data-passkey], [data-passkey-only]");

  const bytes = (text) =>
    Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (character) => character.charCodeAt(0));
  const text = (buffer) =>
    btoa(String.fromCharCode(...new Uint8Array(buffer)))
      .replace(/\+/g, "-")
      .replace(/\//g, "_")
      .replace(/=+$/, "");
  const listed = (credentials) => (credentials || []).map((one) => ({ ...one, id: bytes(one.id) }));

  const toCreate = (options) => ({
    ...options,
    challenge: bytes(options.challenge),
    user: { ...options.user, id: bytes(options.user.id) },
    excludeCredentials: listed(options.excludeCredentials),
  });
  const toGet = (options) => ({
    ...options,
    challenge: bytes(options.challenge),
    allowCredentials: listed(options.allowCredentials),
  });

  const toPlain = (credential) => {
    const { response } = credential;
    const answer = { clientDataJSON: text(response.clientDataJSON) };
    if (response.attestationObject) {
      answer.attestationObject = text(response.attestationObject);
      answer.transports = response.getTransports ? response.getTransports() : [];
    } else {
      answer.authenticatorData = text(response.authenticatorData);
      answer.signature = text(response.signature);
      if (response.userHandle) answer.userHandle = text(response.userHandle);
    }
    return {
      id: credential.id,
      rawId: text(credential.rawId),
      type: credential.type,
      authenticatorAttachment: credential.authenticatorAttachment || null,
      clientExtensionResults: credential.getClientExtensionResults(),
      response: answer,
    };
  };

  const fetchOptions = async (form) => {
    const answer = await fetch(form.dataset.options, {
      headers: { Accept: "application/json" },
      credentials: "same-origin",
      cache: "no-store",
      redirect: "error",
    });
    if (!answer.ok) throw new Error(`options: ${answer.status}`);
    return (await answer.json()).publicKey;
  };

  let waiting = null;
  const stopWaiting = () => {
    if (waiting) waiting.abort();
    waiting = null;
  };

  const send = (form, credential) => {
    form.elements.credential.value = JSON.stringify(toPlain(credential));
    form.submit();
  };

  const explain = (form, error) => {
    const place = form.querySelector("[data-problem]");
    const words =
      error.name === "InvalidStateError"
        ? form.dataset.exists
        : error.name === "NotAllowedError" || error.name === "AbortError"
          ? form.dataset.cancelled
          : form.dataset.failed;
    place.querySelector("span").textContent = words;
    place.hidden = false;
  };

  const ask = async (form) => {
    const button = form.querySelector("button");
    form.querySelector("[data-problem]").hidden = true;
    button.disabled = true;
    stopWaiting();
    try {
      const options = await fetchOptions(form);
      const credential =
        form.dataset.passkey === "create"
          ? await navigator.credentials.create({ publicKey: toCreate(options) })
          : await navigator.credentials.get({ publicKey: toGet(options) });
      send(form, credential);
    } catch (error) {
      explain(form, error);
      button.disabled = false;
    }
  };

  forms.forEach((form) =>
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      ask(form);
    }),
  );

  // Passkeys among the browser's suggestions for the e-mail field, where the browser can do that.
  const offerInField = async (form) => {
    const offers = window.PublicKeyCredential.isConditionalMediationAvailable;
    if (!offers || !(await offers.call(window.PublicKeyCredential))) return;
    const options = await fetchOptions(form);
    waiting = new AbortController();
    const credential = await navigator.credentials.get({
      mediation: "conditional",
      publicKey: toGet(options),
      signal: waiting.signal,
    });
    send(form, credential);
  };
  const field = document.querySelector('input[autocomplete~="webauthn"]');
  const first = document.querySelector('form[data-passkey="get"]');
  if (field && first) offerInField(first).catch(() => {});
})();
