// Lights up a rhyme chain: while the pointer or the focus is on a member or its legend button, until Escape once pressed.
// The page works without this module; the toggles are plain CSS.

const track = document.getElementById("track");

if (track) {
  const members = new Map();
  for (const element of track.querySelectorAll("[data-chain]")) {
    const chain = element.dataset.chain;
    if (!members.has(chain)) members.set(chain, []);
    members.get(chain).push(element);
  }
  let pinned = null;
  let shown = null;

  const show = (chain) => {
    if (chain === shown) return;
    for (const element of members.get(shown) ?? []) element.classList.remove("lit");
    for (const element of members.get(chain) ?? []) element.classList.add("lit");
    track.classList.toggle("has-lit", chain !== null);
    shown = chain;
  };
  const pin = (chain) => {
    pinned = chain;
    for (const button of track.querySelectorAll("button[data-chain]")) {
      button.setAttribute("aria-pressed", String(button.dataset.chain === chain));
    }
    show(chain);
  };
  const chainAt = (event) => event.target.closest?.("[data-chain]")?.dataset.chain ?? null;

  track.addEventListener("pointerover", (event) => show(chainAt(event) ?? pinned));
  track.addEventListener("pointerleave", () => show(pinned));
  track.addEventListener("focusin", (event) => show(chainAt(event) ?? pinned));
  track.addEventListener("focusout", () => show(pinned));
  track.addEventListener("click", (event) => {
    const chain = chainAt(event);
    if (chain !== null) pin(chain === pinned ? null : chain);
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") pin(null);
  });
}

// "/" goes to the search box, as on most sites with one.
document.addEventListener("keydown", (event) => {
  const box = document.getElementById("q");
  const isTyping = event.target.closest?.("input, select, textarea, [contenteditable]");
  if (event.key === "/" && box && !isTyping && !event.ctrlKey && !event.metaKey) {
    event.preventDefault();
    box.select();
  }
});

// Empty filters stay out of the address.
for (const form of document.querySelectorAll("form.search")) {
  form.addEventListener("formdata", (event) => {
    for (const [name, value] of [...event.formData]) if (!value) event.formData.delete(name);
  });
}
