"use strict";
// Galleries: filter cards, copy the ids of those shown, save ticked ids. Ids are only ever text,
// and JSON keeps every letter of them.
const idOf = (card) => JSON.parse(card.dataset.id);
for (const gallery of document.querySelectorAll(".gallery")) {
  const cards = [...gallery.querySelectorAll(".card")];
  const status = gallery.querySelector(".status");
  const selects = [...gallery.querySelectorAll("select[data-filter]")];
  const tagsOf = (card) => Object.entries(card.dataset).filter(([k]) => k.startsWith("tag-")).map(([, v]) => v);
  const shown = () => cards.filter((card) => !card.hidden);
  const filter = () => {
    const wanted = selects.filter((s) => s.value).map((s) => s.dataset.filter + "=" + s.value);
    for (const card of cards) {
      const tags = tagsOf(card);
      card.hidden = !wanted.every((tag) => tags.includes(tag));
    }
    status.textContent = status.dataset.shown + " " + shown().length + " / " + cards.length;
  };
  selects.forEach((select) => select.addEventListener("change", filter));
  const copy = gallery.querySelector("[data-copy]");
  copy.addEventListener("click", async () => {
    const ids = shown().map(idOf).join("\n");
    if (navigator.clipboard) await navigator.clipboard.writeText(ids).catch(() => older(ids));
    else older(ids);
    status.textContent = status.dataset.copied + " " + shown().length;
  });
  const older = (text) => {
    const area = document.createElement("textarea");
    area.value = text;
    document.body.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  };
  const ticked = () => cards.filter((card) => card.querySelector("input[type=checkbox]")?.checked);
  // Cards that a filter hides keep their ticks, and count.
  const say = () => { status.textContent = status.dataset.ticked + " " + ticked().length; };
  gallery.querySelector("[data-tick]")?.addEventListener("click", () => {
    for (const card of shown()) card.querySelector("input[type=checkbox]").checked = true;
    say();
  });
  gallery.querySelector("[data-clear]")?.addEventListener("click", () => {
    for (const card of ticked()) card.querySelector("input[type=checkbox]").checked = false;
    say();
  });
  gallery.addEventListener("change", (event) => { if (event.target.type === "checkbox") say(); });
  gallery.querySelector("[data-save]")?.addEventListener("click", () => {
    if (!ticked().length) { status.textContent = status.dataset.nothing; return; }
    const cell = (text) => '"' + text.replaceAll('"', '""') + '"';
    // The mark says which sample an id means, in case that the table is edited.
    const rows = ["id,mark", ...ticked().map((card) => cell(idOf(card)) + "," + (card.dataset.mark || ""))];
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([rows.join("\n") + "\n"], { type: "text/csv" }));
    link.download = gallery.dataset.file;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
    say();
  });
}
