// Tells the page that shows us in a frame when a connection was made. Messages go to allowed origins alone.
"use strict";
const channel = "BroadcastChannel" in window ? new BroadcastChannel("callout-connect") : null;
const done = document.getElementById("connected");
const link = document.getElementById("connect");

function messageOf(data) {
  return { type: "callout:connected", reference: data.reference, user: data.user };
}

if (done) {
  const message = messageOf(done.dataset);
  if (channel) channel.postMessage(message);
  if (window.opener) for (const origin of done.dataset.ancestors.split(" ").filter(Boolean)) window.opener.postMessage(message, origin);
}

if (link) {
  const tell = (message) => {
    if (!message || message.type !== "callout:connected") return;
    document.getElementById("outcome").textContent = `${message.reference} is connected.`;
    for (const origin of link.dataset.ancestors.split(" ").filter(Boolean)) window.parent.postMessage(messageOf(message), origin);
  };
  if (channel) channel.addEventListener("message", (event) => tell(event.data));
  window.addEventListener("message", (event) => { if (event.origin === window.location.origin) tell(event.data); });
}
