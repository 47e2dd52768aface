// The sandbox's stand-in for the gateway's browser SDK, version 2.
// Same shape: TossPayments(clientKey).payment({ customerKey }).requestPayment({ ... }).
(function () {
  "use strict";
  var base = new URL(document.currentScript.src).origin;

  function failure(code, message) {
    var error = new Error(message);
    error.name = "TossPaymentsError";
    error.code = code;
    return error;
  }

  function isAbsolute(url) {
    return typeof url === "string" && /^https?:\/\/[^/]+/.test(url);
  }

  function check(request) {
    var amount = request.amount || {};
    if (!request.method) return failure("INVALID_PARAMETERS", "method is required.");
    if (amount.currency !== "KRW") return failure("INVALID_AMOUNT_CURRENCY", "The sandbox takes KRW.");
    if (!Number.isSafeInteger(amount.value)) return failure("INVALID_AMOUNT_VALUE", "amount.value is a whole number.");
    if (amount.value <= 0) return failure("BELOW_ZERO_AMOUNT", "The amount must be above 0.");
    if (!/^[A-Za-z0-9_=-]{6,64}$/.test(request.orderId || "")) return failure("INVALID_PARAMETERS", "orderId has 6 to 64 letters, digits, - or _.");
    if (!request.orderName || request.orderName.length > 100) return failure("INVALID_PARAMETERS", "orderName has 1 to 100 characters.");
    if (!isAbsolute(request.successUrl)) return failure("INCORRECT_SUCCESS_URL_FORMAT", "successUrl must be absolute.");
    if (!isAbsolute(request.failUrl)) return failure("INCORRECT_FAIL_URL_FORMAT", "failUrl must be absolute.");
    return null;
  }

  function open(clientKey, customerKey, request) {
    var wrong = check(request || {});
    if (wrong) return Promise.reject(wrong);
    var query = new URLSearchParams({
      clientKey: clientKey,
      orderId: request.orderId,
      orderName: request.orderName,
      amount: String(request.amount.value),
      currency: request.amount.currency,
      method: request.method,
      successUrl: request.successUrl,
      failUrl: request.failUrl
    });
    if (customerKey) query.set("customerKey", customerKey);
    ["customerName", "customerEmail", "taxFreeAmount"].forEach(function (name) {
      if (request[name] !== undefined && request[name] !== null) query.set(name, String(request[name]));
    });
    var account = request.virtualAccount || {};
    ["validHours", "dueDate"].forEach(function (name) {
      if (account[name] !== undefined && account[name] !== null) query.set(name, String(account[name]));
    });
    if (request.metadata) query.set("metadata", JSON.stringify(request.metadata));
    window.location.assign(base + "/window?" + query.toString());
    // The page is being left: as with the real SDK nothing comes back.
    return new Promise(function () {});
  }

  function register(clientKey, customerKey, request) {
    request = request || {};
    if (!customerKey) return Promise.reject(failure("INVALID_CUSTOMER_KEY", "A guest cannot be charged later."));
    if (request.method !== "CARD" && request.method !== "TRANSFER") return Promise.reject(failure("NOT_SUPPORTED_METHOD", "method is CARD or TRANSFER."));
    if (!isAbsolute(request.successUrl)) return Promise.reject(failure("INCORRECT_SUCCESS_URL_FORMAT", "successUrl must be absolute."));
    if (!isAbsolute(request.failUrl)) return Promise.reject(failure("INCORRECT_FAIL_URL_FORMAT", "failUrl must be absolute."));
    var query = new URLSearchParams({
      clientKey: clientKey,
      customerKey: customerKey,
      method: request.method,
      successUrl: request.successUrl,
      failUrl: request.failUrl
    });
    window.location.assign(base + "/billing/window?" + query.toString());
    return new Promise(function () {});
  }

  function TossPayments(clientKey) {
    if (typeof clientKey !== "string" || !clientKey) throw failure("INVALID_CLIENT_KEY", "clientKey is required.");
    if (/^(test|live)_g?sk_/.test(clientKey)) throw failure("INSECURE_KEY_USAGE", "A secret key must not be used in a browser.");
    return {
      payment: function (options) {
        var customerKey = options && options.customerKey;
        if (!customerKey) throw failure("INVALID_CUSTOMER_KEY", "customerKey is required.");
        var known = customerKey === TossPayments.ANONYMOUS ? null : customerKey;
        return {
          requestPayment: function (request) {
            return open(clientKey, known, request);
          },
          requestBillingAuth: function (request) {
            return register(clientKey, known, request);
          }
        };
      },
      widgets: function () {
        throw failure("NOT_SUPPORTED_API_INDIVIDUAL_KEY", "The sandbox has no widgets.");
      }
    };
  }

  TossPayments.ANONYMOUS = "@@ANONYMOUS";
  window.TossPayments = TossPayments;
})();
