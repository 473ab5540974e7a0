"use strict";
// Hands a file in, asks how far it is, shows what comes out. Text is set as text, never as markup.

const find = (id) => document.getElementById(id);
const WORDS = {
  waiting: "Waiting for the files before", sending: "Sending", analyzing: "Analyzing",
  looking_closely: "Looking closely at parts of", drawing: "Drawing", explaining: "Asking where the evidence lies in",
};
let current = 0; // the newest file; answers about older ones are dropped
let running = null; // the number of its job while that can be cancelled

function show(part) {
  for (const id of ["busy", "rejection", "result"]) find(id).hidden = id !== part;
  document.body.dataset.shown = part;
}

function showProgress(phase, fraction) {
  show("busy");
  find("phase").textContent = WORDS[phase] || phase;
  if (fraction > 0) find("progress").value = fraction; else find("progress").removeAttribute("value");
}

function showRefusal(reason) {
  show("rejection");
  find("reason").textContent = reason;
}

function showResult(address, answer) {
  show("result");
  const color = { "likely fake": "fake", "likely real": "real" }[answer.verdict] || "";
  find("verdict").className = `box ${color}`;
  find("answer").textContent = answer.verdict;
  const broken = answer.frames.rejected_because;
  find("why").textContent = answer.reason + (broken ? ` (only part could be read: ${broken})` : "");
  find("covers").replaceChildren(...answer.covers.map((line) => {
    const item = document.createElement("li");
    item.textContent = line;
    return item;
  }));
  const isVideo = answer.results.includes("annotated.mp4");
  const drawn = document.createElement(isVideo ? "video" : "img");
  drawn.src = `${address}/${isVideo ? "annotated.mp4" : "annotated.jpg"}`;
  if (isVideo) { drawn.controls = true; drawn.preload = "auto"; }
  find("shown").replaceChildren(drawn);
  find("report").src = `${address}/report.html`;
  find("downloads").replaceChildren(...answer.results.map((name) => {
    const link = document.createElement("a");
    link.href = `${address}/${name}?download`;
    link.textContent = `Save ${name}`;
    return link;
  }));
}

async function follow(number, mine) {
  const address = `jobs/${number}`;
  while (mine === current) {
    const answer = await (await fetch(address)).json();
    if (mine !== current) return;
    if (answer.state === "rejected") return showRefusal(answer.reason);
    if (answer.state === "judged") return showResult(address, answer);
    const waits = answer.state === "waiting" && answer.before > 0;
    showProgress(waits ? `Waiting for ${answer.before} file${answer.before > 1 ? "s" : ""} before` : answer.phase, answer.fraction);
    await new Promise((wake) => setTimeout(wake, 300));
  }
}

function cancelJob(number) {
  return fetch(`jobs/${number}`, { method: "DELETE", headers: { "X-File-Name": "-" } });
}

async function handIn(file) {
  const mine = ++current;
  if (running) cancelJob(running); // nobody would see its result
  running = null;
  find("cancel").hidden = true;
  find("name").textContent = file.name;
  showProgress("sending", 0);
  try {
    const headers = { "X-File-Name": encodeURIComponent(file.name), "Content-Type": "application/octet-stream" };
    const answer = await (await fetch("jobs", { method: "POST", headers, body: file })).json();
    if (!answer.job) return showRefusal(answer.reason);
    if (mine !== current) return cancelJob(answer.job); // cancelled while it was sent
    running = answer.job;
    find("cancel").hidden = false;
    await follow(answer.job, mine);
    if (mine === current) running = null;
  } catch (error) {
    showRefusal(`The program does not answer (${error.message}). Was it stopped, or is the file too large?`);
  }
}

find("cancel").addEventListener("click", () => {
  ++current;
  if (running) cancelJob(running);
  running = null;
  show("");
});
const drop = find("drop");
find("file").addEventListener("change", (event) => {
  if (event.target.files.length) handIn(event.target.files[0]);
  event.target.value = "";
});
for (const name of ["dragover", "dragleave", "drop"]) {
  drop.addEventListener(name, (event) => {
    event.preventDefault();
    drop.classList.toggle("over", name === "dragover");
    if (name === "drop" && event.dataTransfer.files.length) handIn(event.dataTransfer.files[0]);
  });
}
