// What a page owes to people who hear it, or see it badly: run in the page, says what is missing.
() => {
  const found = [];

  const shown = (el) => {
    const box = el.getBoundingClientRect();
    return box.width > 0 && box.height > 0 && getComputedStyle(el).visibility !== "hidden";
  };
  const say = (el) => {
    const text = (el.textContent || "").trim().slice(0, 40);
    return `<${el.tagName.toLowerCase()} class="${el.getAttribute("class") || ""}"> ${text}`;
  };

  // Structure
  if (!document.documentElement.lang) found.push("no language");
  const headings = document.querySelectorAll("h1").length;
  if (headings !== 1) found.push(`${headings} first headings`);
  const ids = [...document.querySelectorAll("[id]")].map((el) => el.id);
  for (const id of new Set(ids)) {
    if (ids.filter((one) => one === id).length > 1) found.push(`id ${id} twice`);
  }
  for (const el of document.querySelectorAll("a[href][role], button[role]")) {
    if (/^(button|tab|option|switch|link|checkbox)$/.test(el.getAttribute("role"))) continue;
    found.push(`a role that hides what it is: ${say(el)}`);
  }
  for (const el of document.querySelectorAll("th")) {
    if (!el.scope) found.push(`a heading without scope: ${say(el)}`);
  }

  // Names
  const named = "a[href], button, input, select, textarea, [role=img], img, nav";
  for (const el of document.querySelectorAll(named)) {
    if (!shown(el)) continue;
    if (el.tagName === "IMG" && el.hasAttribute("alt")) continue;
    const name = el.getAttribute("aria-label") || el.labels?.[0]?.textContent ||
      el.textContent.trim() || el.title;
    if (!name.trim()) found.push(`no name: ${say(el)}`);
  }

  // Contrast, as WCAG 2 has it
  const channel = (value) => {
    value /= 255;
    return value <= 0.03928 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  };
  const light = ([r, g, b]) =>
    0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
  const numbers = (text) => {
    const list = text.match(/[\d.]+/g).map(Number);
    return list.length === 4 ? list : [...list, 1];
  };
  const behind = (el) => {
    for (let at = el; at; at = at.parentElement) {
      const colour = numbers(getComputedStyle(at).backgroundColor);
      if (colour[3] > 0.98) return colour;
    }
    return [255, 255, 255, 1];
  };
  const passed = "svg, option, :disabled, .sr, .skip, noscript, nav kbd";
  const tested = new Set();
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const el = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || tested.has(el)) continue;
    if (!shown(el) || el.closest(passed)) continue;
    tested.add(el);
    const look = getComputedStyle(el);
    let back = behind(el);
    // A time inside a bar stands on the bar.
    if (el.matches("em.in") && !el.closest(".plain, .message, .running")) {
      back = numbers(getComputedStyle(el.parentElement.querySelector(".bar")).backgroundColor);
    }
    const [high, low] = [light(numbers(look.color)), light(back)].sort((a, b) => b - a);
    const ratio = (high + 0.05) / (low + 0.05);
    const large = parseFloat(look.fontSize) >= 18.6 && Number(look.fontWeight) >= 600;
    if (ratio < (large ? 3 : 4.5)) found.push(`contrast ${ratio.toFixed(2)}: ${say(el)}`);
  }
  return found;
}
