// SPDX-License-Identifier: BSD-2-Clause
// Keeps the page up to date: fetches its changing part again and again while the page is visible.
"use strict";
{
	const INTERVAL = 2000; // ms
	const PATIENCE = 10000;
	const COLOURS = {
		critical: "#d92d20", warning: "#d98a00", info: "#2b6cb8", healthy: "#2c9b57", nothing: "#8a94a0",
	};

	const main = document.getElementById("main");
	const live = document.getElementById("live");
	const [status, button] = [live.querySelector("span"), live.querySelector("button")];
	let timer = null, busy = false, paused = false;

	// Shows the state in the browser's tab too.
	function mark(fresh) {
		const {level, title} = fresh.dataset;
		const circle = `<circle cx="4" cy="4" r="4" fill="${COLOURS[level]}"/>`;
		const icon = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 8 8">${circle}</svg>`;

		if (document.title === title)
			return;
		document.title = title;
		document.querySelector("link[rel=icon]").href = "data:image/svg+xml," + encodeURIComponent(icon);
	}

	// Does not replace text while somebody has selected it to copy it.
	function isSelecting() {
		const selection = getSelection();

		return !selection.isCollapsed && main.contains(selection.anchorNode);
	}

	// Keeps details open or closed as the reader left them.
	function keepOpen(fresh) {
		const now = new Map(Array.from(main.querySelectorAll("details"), one => [one.dataset.key, one.open]));

		for (const one of fresh.querySelectorAll("details"))
			one.open = now.get(one.dataset.key) ?? one.open;
	}

	function show(text) {
		const fresh = new DOMParser().parseFromString(text, "text/html").getElementById("main");
		const before = document.querySelector(".scroll"), focused = document.activeElement === before;
		const left = before ? before.scrollLeft : 0;

		keepOpen(fresh);
		main.replaceChildren(...fresh.childNodes);
		const after = document.querySelector(".scroll");
		if (after) {
			after.scrollLeft = left;
			if (focused)
				after.focus({preventScroll: true});
		}
		mark(fresh);
	}

	function say(text, stale) {
		live.classList.toggle("stale", stale);
		if (status.textContent !== text)
			status.textContent = text;
	}

	async function refresh() {
		if (busy)
			return;
		busy = true;
		try {
			const answer = await fetch("/?part=main", {cache: "no-store", signal: AbortSignal.timeout(PATIENCE)});

			if (!answer.ok)
				throw new Error(answer.statusText);
			const text = await answer.text();
			const held = isSelecting();

			if (!held)
				show(text);
			say(paused ? "Paused" : held ? "Not updated while text is selected" : "Live", false);
		} catch {
			say("keepwatch does not answer: the page shows its last state", true);
		}
		busy = false;
	}

	// Fetches nothing while the page is hidden.
	function start() {
		clearInterval(timer);
		timer = null;
		if (paused || document.hidden)
			return;
		timer = setInterval(refresh, INTERVAL);
		refresh();
	}

	button.addEventListener("click", () => {
		paused = !paused;
		button.textContent = paused ? "Resume" : "Pause";
		say(paused ? "Paused" : "Live", false);
		start();
	});
	document.addEventListener("visibilitychange", start);
	button.hidden = false;
	say("Live", false);
	mark(main);
	start();
}
