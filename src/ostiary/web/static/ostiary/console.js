/* The console's own script: the keyboard, the honest age of refreshed parts, copying, and the editor's line numbers.
   Every page works without it. */
"use strict";

(() => {
  const OFF = "ostiary-shortcuts-off";
  const WAIT_MS = 1500;
  let waiting = 0;

  const stored = (() => {
    try {
      return window.localStorage;
    } catch {
      return null;
    }
  })();
  const off = () => stored?.getItem(OFF) === "1";
  const typing = (target) =>
    target.isContentEditable || /^(input|textarea|select)$/i.test(target.tagName);
  const dialog = () => document.getElementById("shortcuts");

  function go(key) {
    const link = document.querySelector(`nav a[data-key="${CSS.escape(key)}"]`);
    if (link) link.click();
    return Boolean(link);
  }

  function press(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    if (event.key === "Escape" && typing(event.target)) event.target.blur();
    if (typing(event.target) || off()) return;
    if (Date.now() < waiting) {
      waiting = 0;
      if (go(event.key)) event.preventDefault();
      return;
    }
    if (event.key === "g") waiting = Date.now() + WAIT_MS;
    if (event.key === "/") {
      event.preventDefault();
      document.querySelector("[data-search]")?.focus();
    }
    if (event.key === "?") {
      event.preventDefault();
      dialog()?.showModal();
    }
  }

  function markStale(event) {
    const part = event.target.closest?.("[data-part]");
    part?.querySelector("[data-stale]")?.removeAttribute("hidden");
  }

  function number(editor) {
    const text = editor.querySelector("textarea");
    const gutter = editor.querySelector("[data-gutter]");
    const wrong = new Set((editor.dataset.wrong || "").split(" "));
    let drawn = 0;
    const draw = () => {
      const lines = text.value.split("\n").length;
      if (lines !== drawn) {
        gutter.replaceChildren(
          ...Array.from({ length: lines }, (_, index) => {
            const line = document.createElement("span");
            line.textContent = String(index + 1);
            if (wrong.has(line.textContent)) line.className = "wrong";
            return line;
          }),
        );
        text.rows = Math.max(lines + 1, 12);
        drawn = lines;
      }
      gutter.scrollTop = text.scrollTop;
    };
    text.addEventListener("input", draw);
    text.addEventListener("scroll", draw);
    text.addEventListener("keydown", (event) => {
      if (event.key !== "Tab" || event.shiftKey || !event.target.dataset.tab) return;
      event.preventDefault();
      document.execCommand("insertText", false, "  ");
    });
    draw();
  }

  function jump(event) {
    const link = event.target.closest?.("a[data-line]");
    if (!link) return;
    const text = document.querySelector("[data-editor] textarea");
    if (!text) return;
    event.preventDefault();
    const lines = text.value.split("\n");
    const line = Math.min(Number(link.dataset.line), lines.length);
    const start = lines.slice(0, line - 1).reduce((sum, part) => sum + part.length + 1, 0);
    text.focus();
    text.setSelectionRange(start, start + lines[line - 1].length);
  }

  function toggle(event) {
    const box = event.target.closest?.("[data-shortcuts-on]");
    if (!box || !stored) return;
    if (box.checked) stored.removeItem(OFF);
    else stored.setItem(OFF, "1");
  }

  async function copy(event) {
    const button = event.target.closest?.("[data-copy]");
    const source = button && document.getElementById(button.dataset.copy);
    if (!source) return;
    const status = button.parentElement.querySelector("[data-copy-said]");
    let said = button.dataset.copied;
    status.textContent = "";
    try {
      await navigator.clipboard.writeText(source.textContent);
    } catch {
      document.getSelection().selectAllChildren(source);
      said = button.dataset.marked;
    }
    status.textContent = said;
  }

  function countdown(shown) {
    const ends = performance.now() + Number(shown.dataset.left) * 1000;
    const tick = () => {
      const left = Math.max(0, Math.round((ends - performance.now()) / 1000));
      shown.textContent = `${Math.floor(left / 60)}:${String(left % 60).padStart(2, "0")}`;
      if (left > 0) setTimeout(tick, 1000);
    };
    tick();
  }

  document.addEventListener("keydown", press);
  document.addEventListener("click", jump);
  document.addEventListener("click", copy);
  document.addEventListener("click", (event) => {
    if (event.target.closest?.("[data-show-shortcuts]")) dialog()?.showModal();
  });
  document.addEventListener("change", toggle);
  document.addEventListener("htmx:responseError", markStale);
  document.addEventListener("htmx:sendError", markStale);
  document.addEventListener("htmx:timeout", markStale);
  for (const editor of document.querySelectorAll("[data-editor]")) number(editor);
  for (const shown of document.querySelectorAll("[data-left]")) countdown(shown);
  for (const shown of document.querySelectorAll("[data-script-only]")) shown.hidden = false;
  const box = document.querySelector("[data-shortcuts-on]");
  if (box) box.checked = !off();
})();
