// Keeps the live part of a page up to date: the server sends it rendered, this puts it in its place.
// Without this script every page still works; one reloads it by hand.
"use strict";

(() => {
  const live = document.querySelector("[data-live]");
  const sign = document.querySelector("[data-on]");
  if (!live || !sign || !window.EventSource) return;

  const AGAIN_AFTER = 5000;
  let source = null;

  const say = (state) => {
    sign.dataset.state = state;
    sign.textContent = sign.dataset[state];
    sign.hidden = false;
  };

  const show = (event) => {
    const fresh = new DOMParser().parseFromString(event.data, "text/html");
    // A link that somebody stands on with the keyboard keeps its focus.
    const held = live.contains(document.activeElement) && document.activeElement.getAttribute("href");
    live.replaceChildren(...fresh.body.childNodes);
    if (held) live.querySelector(`a[href="${CSS.escape(held)}"]`)?.focus({ preventScroll: true });
  };

  const listen = () => {
    source = new EventSource(live.dataset.live);
    source.addEventListener("open", () => say("on"));
    source.addEventListener("page", show);
    source.addEventListener("error", () => {
      say("lost");
      // The browser tries again by itself unless it was refused, as by a proxy while the daemon restarts.
      if (source.readyState === EventSource.CLOSED) setTimeout(listen, AGAIN_AFTER);
    });
  };

  window.addEventListener("pagehide", () => source.close());
  window.addEventListener("pageshow", (event) => event.persisted && listen());
  listen();
})();
