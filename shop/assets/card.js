// Opens the gateway's window in which a card is registered. What it is for is kept by the shop's
// server; nothing on this page can change it.
(function () {
  "use strict";

  function takes(form) {
    var button = form.querySelector("button");
    var hint = form.querySelector("[role=status]");
    var failPath = "";

    function ready(isReady, text) {
      button.disabled = !isReady;
      hint.textContent = text;
    }

    // Back from the window by the browser's back button: the page may be shown as it was left.
    window.addEventListener("pageshow", function () { ready(true, ""); });

    form.addEventListener("submit", function (event) {
      event.preventDefault();
      ready(false, form.dataset.opening);
      fetch(form.action, { method: "POST", body: new URLSearchParams(new FormData(form)) })
        .then(function (answer) {
          if (!answer.ok) throw new Error("status " + answer.status);
          return answer.json();
        })
        .then(function (opening) {
          if (opening.leave) return window.location.assign(opening.leave);
          failPath = opening.failPath;
          return window.TossPayments(opening.clientKey)
            .payment({ customerKey: opening.customerKey })
            .requestBillingAuth({
              method: "CARD",
              successUrl: window.location.origin + opening.successPath,
              failUrl: window.location.origin + opening.failPath
            });
        })
        .catch(function (error) {
          if (error.code === "USER_CANCEL") window.location.assign(failPath + "?code=" + error.code);
          ready(true, form.dataset.unavailable);
        });
    });
  }

  document.querySelectorAll("form[data-card]").forEach(takes);
})();
