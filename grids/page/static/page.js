"use strict";

// What the server tells of each photograph is drawn; what people do is asked of the server. Nothing is
// kept here but what is looked at: which photograph, where, and how near.

const one = (selector) => document.querySelector(selector);
const UPLOADS_AT_ONCE = 3;
const FORGOTTEN_MS = 30000; // as SECONDS_AWAY of grids/page/desk.py

let visit = null; // its name, the groups, the limits
let here = ""; // start of the visit's addresses
let gone = false; // the server has forgotten the visit
let shown = null; // id of the photograph that is looked at
let picked = false; // somebody has turned to it
let places = 0; // of photographs that were given
let several = false; // all models side by side
const photos = new Map(); // by id
const look = { zoom: 0, x: 0.5, y: 0.5, divider: 0.5 }; // 0 fits; the centre, in shares of the picture

// In the order in which they were given.
const listed = () => [...photos.values()].filter((photo) => !photo.removed).sort((a, b) => a.place - b.place);

// ---- asking ----

async function ask(address, options = {}) {
  let answer;
  try {
    answer = await fetch(address, { method: "POST", ...options });
  } catch {
    throw new Error("the server does not answer; is it running?");
  }
  if (answer.ok) return answer.status === 200 || answer.status === 201 ? answer.json() : null;
  throw new Error((await answer.json().catch(() => ({ reason: answer.statusText }))).reason);
}

function say(words) {
  one("#said").textContent = words;
}

const at = (photo, what, parameters = {}) =>
  `${here}/photographs/${photo.id}${what}?${new URLSearchParams(parameters)}`;

function act(photo, what, parameters, method = "POST") {
  return ask(at(photo, what, parameters), { method }).catch((error) => say(error.message));
}

// ---- the visit ----

async function open() {
  visit = await ask("visits");
  here = `visits/${visit.id}`;
  one("#strength").max = visit.strongest;
  one("#group").replaceChildren(...visit.groups.map((group) => new Option(group, group)));
  const news = new EventSource(`${here}/news`);
  news.onmessage = (event) => JSON.parse(event.data).forEach(note);
  let silent = 0; // since when nothing answers
  news.onerror = () => {
    silent ||= Date.now();
    gone = news.readyState === EventSource.CLOSED;
    say(gone ? "The server has ended, or has closed this page: open it again." : "No answer; trying again …");
  };
  news.onopen = () => {
    silent = 0;
    say("");
  };
  addEventListener("beforeunload", (event) => {
    // By then a server that still runs has thrown all away.
    const forgotten = gone || (silent && Date.now() - silent > FORGOTTEN_MS);
    if (forgotten || !listed().some((photo) => working(photo) || photo.unsaved)) return;
    event.preventDefault();
    event.returnValue = true; // older browsers ask for this alone
  });
  addEventListener("pagehide", () => {
    gone = true;
    navigator.sendBeacon(`${here}/close`);
  });
  addEventListener("pageshow", (event) => event.persisted && location.reload());
}

function note(photo) {
  if (photos.get(photo.id)?.removed) return;
  photos.set(photo.id, photo);
  draw();
}

// ---- taking photographs ----

// Of what was dropped: files, each with its path from what was dropped on.
async function filesOf(entry) {
  if (entry.isFile) {
    const file = await new Promise((done, failed) => entry.file(done, failed));
    return [{ file, path: entry.fullPath.slice(1) }];
  }
  const reader = entry.createReader();
  const found = [];
  for (;;) {
    const part = await new Promise((done, failed) => reader.readEntries(done, failed));
    if (!part.length) break;
    found.push(...part);
  }
  const meant = found.filter((each) => !each.name.startsWith("."));
  return (await Promise.all(meant.map(filesOf))).flat();
}

// The order in which a folder gives its files is that of its disk, which means nothing.
const byPath = new Intl.Collator(undefined, { numeric: true });
const inOrder = (files) => files.sort((a, b) => byPath.compare(a.path, b.path));

const isPhotograph = ({ file }) => visit.suffixes.some((end) => file.name.toLowerCase().endsWith(end));

async function add(files, chosen) {
  // What is named itself is meant, whatever its name; of a folder, what has the name of a photograph.
  const meant = chosen ? files : files.filter(isPhotograph);
  const others = files.length - meant.length;
  let left = meant.length;
  const tell = () =>
    say([left ? `${left} to upload` : "", others ? `${others} other files were not looked at` : ""]
      .filter(Boolean).join(", "));
  tell();
  const waiting = meant.map((each) => ({ ...each, place: places++ }));
  const upload = async () => {
    while (waiting.length) {
      const { file, path, place } = waiting.shift();
      const name = new URLSearchParams({ name: path, place });
      try {
        if (file.size > visit.megabytes * 1e6) throw new Error(`more than ${visit.megabytes} MB`);
        const photo = await ask(`${here}/photographs?${name}`, { body: file });
        // The news may have been faster, and know more.
        if (!photos.has(photo.id)) note(photo);
      } catch (error) {
        const id = `local ${crypto.getRandomValues(new Uint32Array(2)).join("")}`;
        note({ id, path, place, name: file.name, state: "failed", reason: error.message, local: true, unsaved: false,
          remarks: [], groups: {}, seen: [], nearest: [], further: [], restored: [], work: {}, strength: 1, group: "" });
      }
      left -= 1;
      tell();
    }
  };
  await Promise.all(Array.from({ length: UPLOADS_AT_ONCE }, upload));
}

// ---- words ----

const dB = (value) => `${value < 0 ? "−" : "+"}${Math.abs(value).toFixed(1)}`;
const interval = ([gain, low, high]) => `${dB(gain)} dB (${dB(low)} to ${dB(high)})`;
const working = (photo) => Object.keys(photo.work).length > 0;
const isDone = (photo) => photo.restored.includes(photo.group);
const NOT_MEANT = { left: "left as it is", refused: "refused" };
const notMeant = (photo) => NOT_MEANT[photo.state];
const canRestore = (photo) => photo.state === "judged" || Boolean(notMeant(photo));

function progressOf(photo) {
  const shares = Object.values(photo.work);
  return shares.reduce((sum, share) => sum + share, 0) / Math.max(1, shares.length);
}

// The models that follow the chosen one.
const furtherOf = (photo, group) => (photo.groups[group]?.chosen ? photo.further : []);

function expected(photo, group) {
  const about = photo.groups[group];
  if (!about) return "";
  const probability = about.probability === null ? [] : [`probability ${Math.round(100 * about.probability)} %`];
  const gain = about.gain === null ? "unknown gain" : `${interval(about.gain)} expected`;
  const then = furtherOf(photo, group).map((further) => `then ${further}`);
  return [...probability, about.chosen || about.gain === null ? gain : `${gain} if damaged like this`, ...then].join(", ");
}

function lineOf(photo) {
  if (photo.state === "failed") return [photo.reason, "bad"];
  if (photo.state === "waiting") return ["being judged …", ""];
  if (working(photo)) {
    const share = progressOf(photo);
    return [share ? `restoring, ${Math.round(100 * share)} %` : "waits to be restored", ""];
  }
  if (isDone(photo)) {
    return [`restored by ${[photo.group, ...furtherOf(photo, photo.group)].join(", then ")}`, "good"];
  }
  if (notMeant(photo)) return [`${notMeant(photo)}: ${photo.reason}`, photo.state === "refused" ? "bad" : ""];
  return [`${photo.group}: ${expected(photo, photo.group)}`, ""];
}

// What tells the damage from what is likeliest but for it.
function toldBy(photo) {
  if (!photo.seen.length) return "";
  const last = photo.seen.at(-1);
  const words = [photo.seen.slice(0, -1).join(", "), last].filter(Boolean).join(" and ");
  return ` Told from ${photo.against === "undamaged" ? "no damage" : photo.against} by ${words}.`;
}

function decisionOf(photo) {
  if (photo.state === "failed") return photo.reason;
  if (photo.state === "waiting") return "Being judged …";
  const chosen = Object.keys(photo.groups).find((group) => photo.groups[group].chosen);
  const size = `${photo.width}×${photo.height} pixels. `;
  if (notMeant(photo)) {
    const what = notMeant(photo)[0].toUpperCase() + notMeant(photo).slice(1);
    return `${size}${what}: ${photo.reason}. Restore it all the same if you know the damage.`;
  }
  const trouble = photo.reason ? ` Failed: ${photo.reason}.` : "";
  const by = chosen === "mix" ? "the mix of all" : `the model of ${chosen}`;
  const other = chosen === photo.likely ? "" : `, but best restored by ${by}`;
  return `${size}Damaged like ${photo.likely}${other}: ${expected(photo, chosen)}.${toldBy(photo)}${trouble}`;
}

// ---- drawing ----

function draw() {
  const all = listed();
  if (!picked) shown = (all.find((photo) => photo.state !== "failed") ?? all[0])?.id ?? null;
  one("#empty").hidden = all.length > 0;
  one("#list").hidden = one("#view").hidden = all.length === 0;
  const toDo = all.filter((photo) => photo.state === "judged" && !isDone(photo) && !working(photo));
  one("#restore-all").disabled = toDo.length === 0;
  const ready = all.filter(isDone).length;
  link(one("#download-all"), ready && `${here}/results.zip`, "restored.zip");
  one("#download-all").textContent =
    ready && ready < all.length ? `Download ${ready} of ${all.length}` : "Download all";
  drawList(all);
  const photo = photos.get(shown);
  if (photo && !photo.removed) drawView(photo);
}

function link(anchor, address, name) {
  anchor.setAttribute("aria-disabled", String(!address));
  if (address) {
    anchor.href = address;
    anchor.download = name;
  } else {
    anchor.removeAttribute("href");
  }
}

function drawList(all) {
  const list = one("#list ul");
  for (const item of [...list.children]) {
    if (photos.get(item.dataset.id)?.removed) item.remove();
  }
  for (const [index, photo] of all.entries()) {
    let item = list.querySelector(`[data-id="${photo.id}"]`);
    if (!item) {
      item = document.createElement("li");
      item.dataset.id = photo.id;
      const button = document.createElement("button");
      button.type = "button";
      for (const part of ["name", "line"]) {
        button.append(Object.assign(document.createElement("span"), { className: part }));
      }
      button.addEventListener("click", () => select(photo.id));
      item.append(button);
      list.insertBefore(item, list.children[index] ?? null);
    }
    const [words, kind] = lineOf(photo);
    item.querySelector(".name").textContent = photo.path;
    const line = item.querySelector(".line");
    line.textContent = words;
    line.className = `line ${kind}`;
    item.firstChild.setAttribute("aria-current", String(photo.id === shown));
  }
}

function drawView(photo) {
  one("#name").textContent = photo.path;
  one("#decision").textContent = decisionOf(photo);
  one("#decision").className = photo.state === "failed" || photo.state === "refused" ? "bad" : "";
  drawNearest(photo);
  one("#remarks").textContent = photo.remarks.join("; ");
  one("#controls").hidden = one("#zooms").hidden = one("#stages").hidden = !canRestore(photo);
  const select = one("#group");
  for (const option of select.options) {
    const about = photo.groups[option.value];
    const percent = about && about.probability !== null ? ` (${Math.round(100 * about.probability)} %)` : "";
    option.textContent = option.value + percent;
  }
  if (photo.group) select.value = photo.group;
  const restore = one("#restore");
  restore.hidden = isDone(photo) || working(photo);
  restore.textContent = notMeant(photo) ? "Restore all the same" : "Restore";
  one("#cancel").hidden = !working(photo);
  one("#progress").hidden = !working(photo);
  one("#progress").value = progressOf(photo);
  one("#strengths").hidden = !canRestore(photo) || photo.restored.length === 0;
  if (document.activeElement !== one("#strength")) one("#strength").value = photo.strength;
  one("#strength-said").textContent = Number(one("#strength").value).toFixed(2);
  one("#compare").setAttribute("aria-pressed", String(several));
  link(one("#download"), isDone(photo) && at(photo, "/result"), photo.name);
  if (canRestore(photo)) drawStages(photo);
}

// Views that the choice was fitted to, at their own size.
function drawNearest(photo) {
  const box = one("#nearest");
  box.hidden = photo.nearest.length === 0;
  const key = [photo.id, ...photo.nearest].join("\n");
  if (box.dataset.key === key) return;
  box.dataset.key = key;
  const pictures = photo.nearest.map((name, number) => {
    const words = name.replaceAll("_", " ");
    const figure = document.createElement("figure");
    const image = Object.assign(new Image(), { src: at(photo, "/nearest", { number }), alt: `example of ${words}` });
    figure.append(image, Object.assign(document.createElement("figcaption"), { textContent: words }));
    return figure;
  });
  const words = Object.assign(document.createElement("span"), { textContent: "Most like:" });
  box.replaceChildren(words, ...pictures);
}

const after = (photo, group) => at(photo, "/after", { group, strength: photo.strength });

function drawStages(photo) {
  const stages = one("#stages");
  const wanted = several ? ["", ...visit.groups] : [photo.group];
  const key = [photo.id, several, ...wanted].join("\n");
  stages.classList.toggle("several", several);
  if (stages.dataset.key !== key) {
    stages.dataset.key = key;
    stages.replaceChildren(...wanted.map((group) => stage(photo, group)));
  }
  wanted.forEach((group, index) => fill(stages.children[index], photo, group));
  place();
}

function picture(kind) {
  const image = new Image();
  image.alt = kind;
  image.draggable = false;
  image.addEventListener("load", place);
  return image;
}

function stage(photo, group) {
  const figure = document.createElement("figure");
  const box = Object.assign(document.createElement("div"), { className: "stage", tabIndex: 0 });
  box.setAttribute("role", "group");
  box.setAttribute("aria-label", `${photo.path}${several ? `, ${group || "before"}` : ""}: arrows move, + and − zoom`);
  const before = picture("before");
  before.src = at(photo, "/before");
  box.append(before);
  const over = Object.assign(document.createElement("div"), { className: "after" });
  over.hidden = true;
  over.append(picture("after"));
  if (group) box.append(over);
  figure.append(box);
  if (several) {
    figure.append(document.createElement("figcaption"));
  } else {
    for (const [side, words] of [["left", "before"], ["right", "after"]]) {
      box.append(Object.assign(document.createElement("span"), { className: `tag ${side}`, textContent: words }));
    }
    box.append(divider());
  }
  box.append(Object.assign(document.createElement("span"), { className: "waiting" }));
  movable(box);
  return figure;
}

function fill(figure, photo, group) {
  const box = figure.querySelector(".stage");
  const over = box.querySelector(".after");
  const ready = group !== "" && photo.restored.includes(group);
  if (over) {
    over.hidden = !ready;
    const address = after(photo, group);
    if (ready && over.firstChild.getAttribute("src") !== address) over.firstChild.src = address;
  }
  for (const part of box.querySelectorAll(".tag, .divider")) part.hidden = !ready;
  const share = photo.work[group];
  box.querySelector(".waiting").textContent =
    several && group && !ready ? (share === undefined ? "not restored" : `${Math.round(100 * share)} %`) : "";
  if (several && group && !ready) box.querySelector("img").hidden = true;
  if (!several) return;
  const caption = figure.querySelector("figcaption");
  if (group === "") {
    caption.textContent = "before";
    return;
  }
  let use = caption.querySelector("button");
  if (!use) {
    use = Object.assign(document.createElement("button"), { type: "button" });
    use.addEventListener("click", () => choose(group));
    caption.append(document.createElement("span"), document.createElement("br"), use);
  }
  caption.querySelector("span").textContent = [group, expected(photo, group)].filter(Boolean).join(": ");
  use.textContent = group === photo.group ? "In use" : "Use this";
  use.setAttribute("aria-label", `${use.textContent}: ${group}`);
  use.disabled = group === photo.group;
}

// ---- looking: one place for all stages ----

function place() {
  for (const box of document.querySelectorAll(".stage")) {
    const { clientWidth: width, clientHeight: height } = box;
    const images = [...box.querySelectorAll("img")];
    const photo = photos.get(shown);
    if (!photo || !photo.width) continue;
    const scale = scaleOf(box, photo);
    const left = along(width, photo.width * scale, look.x);
    const top = along(height, photo.height * scale, look.y);
    box.classList.toggle("near", scale * devicePixelRatio >= 2);
    for (const image of images) {
      image.style.width = `${photo.width * scale}px`;
      image.style.height = `${photo.height * scale}px`;
      image.style.transform = `translate(${left}px, ${top}px)`;
    }
    const handle = box.querySelector(".divider");
    if (!handle) continue;
    // Where the picture is, so that the divider never leaves it.
    const from = Math.max(0, left);
    const to = Math.min(width, left + photo.width * scale);
    const line = from + look.divider * (to - from);
    handle.style.left = `${line}px`;
    handle.setAttribute("aria-valuenow", String(Math.round(100 * look.divider)));
    box.querySelector(".after").style.clipPath = `inset(0 0 0 ${line}px)`;
  }
  for (const button of document.querySelectorAll("[data-zoom]")) {
    button.setAttribute("aria-pressed", String(Number(button.dataset.zoom) === look.zoom));
  }
}

function scaleOf(box, photo) {
  if (look.zoom) return look.zoom / devicePixelRatio;
  return Math.min(box.clientWidth / photo.width, box.clientHeight / photo.height, 4);
}

// Where the picture begins: in the middle if there is room, else so that its part at `share` is there.
function along(room, length, share) {
  if (length <= room) return (room - length) / 2;
  return Math.min(0, Math.max(room - length, room / 2 - share * length));
}

function move(box, dx, dy) {
  const photo = photos.get(shown);
  const scale = scaleOf(box, photo);
  const within = (value, room, length) => {
    const most = Math.min(0.5, room / length / 2);
    return Math.min(1 - most, Math.max(most, value));
  };
  const [width, height] = [photo.width * scale, photo.height * scale];
  look.x = within(look.x - dx / width, box.clientWidth, width);
  look.y = within(look.y - dy / height, box.clientHeight, height);
  place();
}

// The place below a point of the stage stays there.
function zoomTo(zoom, box, point) {
  const photo = photos.get(shown);
  if (box && point) {
    const held = (axis, room, length) => (point[axis] - along(room, length, look[axis])) / length;
    const scale = scaleOf(box, photo);
    const x = held("x", box.clientWidth, photo.width * scale);
    const y = held("y", box.clientHeight, photo.height * scale);
    look.zoom = zoom;
    const next = scaleOf(box, photo);
    look.x = x + (box.clientWidth / 2 - point.x) / (photo.width * next);
    look.y = y + (box.clientHeight / 2 - point.y) / (photo.height * next);
    move(box, 0, 0);
  } else {
    look.zoom = zoom;
    place();
  }
}

const ZOOMS = [0, 1, 2, 4];
const step = (by) => ZOOMS[Math.min(ZOOMS.length - 1, Math.max(0, ZOOMS.indexOf(look.zoom) + by))];

function pointIn(box, event) {
  const edge = box.getBoundingClientRect();
  return { x: event.clientX - edge.left, y: event.clientY - edge.top };
}

function divide(box, x) {
  const photo = photos.get(shown);
  const width = photo.width * scaleOf(box, photo);
  const left = along(box.clientWidth, width, look.x);
  const [from, to] = [Math.max(0, left), Math.min(box.clientWidth, left + width)];
  look.divider = Math.min(1, Math.max(0, (x - from) / (to - from)));
  place();
}

function divider() {
  const handle = Object.assign(document.createElement("div"), { className: "divider", tabIndex: 0 });
  for (const [name, value] of Object.entries({
    role: "slider", "aria-label": "Divider between before and after", "aria-valuemin": "0",
    "aria-valuemax": "100", "aria-valuenow": "50", "aria-orientation": "horizontal",
  })) handle.setAttribute(name, value);
  handle.addEventListener("keydown", (event) => {
    const by = { ArrowLeft: -0.02, ArrowRight: 0.02, PageDown: -0.2, PageUp: 0.2, Home: -1, End: 1 }[event.key];
    if (by === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    look.divider = Math.min(1, Math.max(0, look.divider + by));
    place();
  });
  return handle;
}

function movable(box) {
  const pointers = new Map();
  let dividing = false;
  box.addEventListener("pointerdown", (event) => {
    const onHandle = event.target.classList.contains("divider");
    pointers.set(event.pointerId, pointIn(box, event));
    box.setPointerCapture(event.pointerId);
    // Where all of the picture is seen there is nowhere to move to: everywhere is the divider.
    dividing = onHandle || (look.zoom === 0 && box.querySelector(".divider:not([hidden])") !== null);
    if (dividing) divide(box, pointIn(box, event).x);
    if (onHandle) event.target.focus();
  });
  box.addEventListener("pointermove", (event) => {
    const last = pointers.get(event.pointerId);
    if (!last) return;
    const point = pointIn(box, event);
    pointers.set(event.pointerId, point);
    if (dividing) divide(box, point.x);
    else if (pointers.size === 1) move(box, point.x - last.x, point.y - last.y);
  });
  for (const end of ["pointerup", "pointercancel"]) {
    box.addEventListener(end, (event) => pointers.delete(event.pointerId));
  }
  box.addEventListener("dblclick", (event) => zoomTo(look.zoom ? 0 : 1, box, pointIn(box, event)));
  box.addEventListener("wheel", (event) => {
    if (!event.ctrlKey && !look.zoom) return; // the page scrolls
    event.preventDefault();
    if (event.ctrlKey) zoomTo(step(event.deltaY < 0 ? 1 : -1), box, pointIn(box, event));
    else move(box, -event.deltaX, -event.deltaY);
  }, { passive: false });
  box.addEventListener("keydown", (event) => {
    const by = { ArrowLeft: [60, 0], ArrowRight: [-60, 0], ArrowUp: [0, 60], ArrowDown: [0, -60] }[event.key];
    if (by) move(box, ...by);
    else if (event.key === "+" || event.key === "=") zoomTo(step(1));
    else if (event.key === "-") zoomTo(step(-1));
    else return;
    event.preventDefault();
  });
}

// ---- what people do ----

function select(id) {
  shown = id;
  picked = true;
  Object.assign(look, { x: 0.5, y: 0.5 });
  draw();
}

const current = () => photos.get(shown);

function choose(group) {
  return act(current(), "/choose", { group, strength: one("#strength").value });
}

function restore(photo, group) {
  return act(photo, "/restore", { group });
}

async function remove() {
  const photo = current();
  if (!photo.local) await act(photo, "", {}, "DELETE");
  photos.set(photo.id, { ...photo, removed: true });
  picked = false;
  draw();
}

let chosen = 0;

function listen() {
  const take = (input) => {
    const files = [...input.files].map((file) => ({ file, path: file.webkitRelativePath || file.name }));
    const chosen = input.id === "files";
    add(chosen ? files : inOrder(files), chosen);
    input.value = "";
  };
  for (const name of ["#files", "#folder"]) {
    one(name).addEventListener("change", (event) => take(event.target));
  }
  // Who is busy with a photograph keeps it.
  for (const kind of ["pointerdown", "keydown", "wheel"]) {
    one("#view").addEventListener(kind, () => { picked = true; }, { capture: true, passive: true });
  }
  one("#remove").addEventListener("click", remove);
  one("#restore").addEventListener("click", () => restore(current(), one("#group").value));
  one("#cancel").addEventListener("click", () => act(current(), "/cancel"));
  one("#group").addEventListener("change", (event) => choose(event.target.value));
  one("#restore-all").addEventListener("click", () => {
    for (const photo of listed()) {
      if (photo.state === "judged" && !isDone(photo)) restore(photo, photo.group);
    }
  });
  one("#compare").addEventListener("click", () => {
    several = !several;
    if (several) for (const group of visit.groups) restore(current(), group);
    draw();
  });
  one("#strength").addEventListener("input", (event) => {
    one("#strength-said").textContent = Number(event.target.value).toFixed(2);
    clearTimeout(chosen);
    chosen = setTimeout(() => choose(current().group), 150);
  });
  for (const button of document.querySelectorAll("[data-zoom]")) {
    button.addEventListener("click", () => zoomTo(Number(button.dataset.zoom)));
  }
  let inside = 0;
  addEventListener("dragenter", () => { inside += 1; one("#drop").hidden = false; });
  addEventListener("dragleave", () => { inside -= 1; one("#drop").hidden = inside > 0 ? false : true; });
  addEventListener("dragover", (event) => event.preventDefault());
  addEventListener("drop", async (event) => {
    event.preventDefault();
    inside = 0;
    one("#drop").hidden = true;
    const entries = [...event.dataTransfer.items].map((item) => item.webkitGetAsEntry()).filter(Boolean);
    const lone = entries.filter((entry) => entry.isFile);
    const folders = entries.filter((entry) => entry.isDirectory);
    const files = async (some) => (await Promise.all(some.map(filesOf))).flatMap(inOrder);
    const [named, found] = [await files(lone), await files(folders)];
    await Promise.all([add(named, true), ...(folders.length ? [add(found, false)] : [])]);
  });
  addEventListener("resize", place);
}

open().then(listen, (error) => say(error.message));
