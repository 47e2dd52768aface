// Opens the gateway's payment window. What is to be paid comes from the shop's server; nothing on
// this page can change it.
(function () {
  "use strict";
  var form = document.getElementById("pay");
  var hint = document.getElementById("pay-hint");
  if (!form || !hint) return;
  var button = form.querySelector("button");
  var said = hint.textContent;
  var failPath = "";

  function ready(isReady, text) {
    button.disabled = !isReady;
    hint.textContent = text;
  }

  // Back from the window by the browser's back button: the page may be shown as it was left.
  window.addEventListener("pageshow", function () { ready(true, said); });

  form.addEventListener("submit", function (event) {
    event.preventDefault();
    ready(false, form.dataset.opening);
    fetch(form.action, {
      method: "POST",
      headers: { Accept: "application/json" },
      body: new URLSearchParams(new FormData(form))
    }).then(function (answer) {
      if (!answer.ok) throw new Error("status " + answer.status);
      return answer.json();
    }).then(function (opening) {
      if (opening.leave) return window.location.assign(opening.leave);
      failPath = opening.failPath;
      return window.TossPayments(opening.clientKey)
        .payment({ customerKey: window.TossPayments.ANONYMOUS })
        .requestPayment({
          method: "CARD",
          amount: { currency: "KRW", value: opening.amount },
          orderId: opening.orderId,
          orderName: opening.orderName,
          successUrl: window.location.origin + opening.successPath,
          failUrl: window.location.origin + opening.failPath
        });
    }).catch(function (error) {
      if (error.code === "USER_CANCEL") window.location.assign(failPath + "?code=" + error.code);
      ready(true, form.dataset.unavailable);
    });
  });
})();
