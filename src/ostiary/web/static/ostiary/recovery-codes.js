// Recovery codes: keep them as a file or on paper. Without scripts the list itself can be copied.
"use strict";

(() => {
  const list = document.querySelector("[data-codes]");
  if (!list) return;
  document.querySelectorAll("[data-script-only]").forEach((element) => (element.hidden = false));
  const codes = () => Array.from(list.querySelectorAll("code"), (code) => code.textContent);

  document.querySelector("[data-download]").addEventListener("click", (event) => {
    const text = `${list.dataset.title}\n\n${codes().join("\n")}\n`;
    const link = document.createElement("a");
    link.href = `data:text/plain;charset=utf-8,${encodeURIComponent(text)}`;
    link.download = event.currentTarget.dataset.download;
    link.click();
  });
  document.querySelector("[data-print]").addEventListener("click", () => window.print());
})();
