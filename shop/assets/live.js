// Shows an order's page anew as soon as the shop's server says that what it shows has changed.
(function () {
  "use strict";
  var EVERY = 10000;
  var source = null;

  function copies() {
    var button = document.getElementById("copy");
    if (!button || !navigator.clipboard) return;
    button.hidden = false;
    button.addEventListener("click", function () {
      navigator.clipboard.writeText(button.dataset.copy).then(function () {
        button.textContent = button.dataset.copied;
      });
    });
  }

  function show(text) {
    var page = new DOMParser().parseFromString(text, "text/html");
    var main = page.getElementById("main");
    // What this page was not loaded for needs scripts of its own.
    if (!main || page.querySelector("#pay, head > meta[http-equiv=refresh]")) return window.location.reload();
    document.title = page.title;
    document.getElementById("main").replaceWith(main);
    follow();
  }

  function look() {
    return fetch(window.location.pathname, { headers: { Accept: "text/html" } })
      .then(function (answer) {
        if (!answer.ok) throw new Error("status " + answer.status);
        return answer.text();
      })
      .then(show)
      .catch(later);
  }

  function later() {
    window.setTimeout(look, EVERY);
  }

  function follow() {
    if (source) source.close();
    source = null;
    copies();
    var order = document.getElementById("order");
    if (!order) return;
    if (!order.dataset.live) return;
    var mine = source = new EventSource(order.dataset.live);
    mine.addEventListener("changed", function () {
      mine.close();
      look();
    });
    // It comes back by itself, unless it was turned away.
    mine.addEventListener("error", function () {
      if (mine.readyState === EventSource.CLOSED) later();
    });
  }

  follow();
})();
