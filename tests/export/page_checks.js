/* What is wrong with a page for people who cannot see it well, or have no mouse: a list of texts. */
() => {
    const wrong = [];
    const visible = (node) => {
        const box = node.getBoundingClientRect(), style = getComputedStyle(node);
        return box.width > 0 && box.height > 0 && style.visibility !== "hidden" && box.right > 0;
    };
    const channels = (text) => text.match(/[\d.]+/g).map(Number);
    const luminance = (rgb) => {
        const [r, g, b] = rgb.slice(0, 3).map((value) => value / 255).map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const ratio = (one, other) => {
        const [high, low] = [luminance(one), luminance(other)].sort((a, b) => b - a);
        return (high + 0.05) / (low + 0.05);
    };
    const behind = (node) => {
        for (; node; node = node.parentElement) {
            const colour = channels(getComputedStyle(node).backgroundColor);
            if (colour.length < 4 || colour[3] === 1) return colour;
        }
        return [255, 255, 255];
    };
    const name = (node) =>
        (node.getAttribute("aria-label") || (node.getAttribute("aria-labelledby") || "").split(" ").map((id) => (document.getElementById(id) || {}).textContent || "").join("") ||
            [...(node.labels || [])].map((label) => label.textContent).join("") || (/^(A|BUTTON)$/.test(node.tagName) ? node.textContent : "")).trim();
    for (const node of document.querySelectorAll("a, button, input, select, canvas, [role=img], [role=application], section, table")) {
        if (!visible(node)) continue;
        const told = node.tagName === "TABLE" ? (node.caption || {}).textContent : name(node);
        if (!told) wrong.push(node.tagName.toLowerCase() + " without a name: " + node.outerHTML.slice(0, 80));
    }
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    for (let text = walker.nextNode(); text; text = walker.nextNode()) {
        const node = text.parentElement;
        if (!text.textContent.trim() || /^(SCRIPT|STYLE|NOSCRIPT|OPTION)$/.test(node.tagName) || !visible(node) || node.disabled) continue;
        const found = ratio(channels(getComputedStyle(node).color), behind(node));
        if (found < 4.5) wrong.push("contrast " + found.toFixed(2) + " of " + text.textContent.slice(0, 40));
    }
    for (const node of document.querySelectorAll("button, select, input[type=text], input[type=number], .drawing")) {
        if (!visible(node) || node.disabled) continue;
        const found = ratio(channels(getComputedStyle(node).borderTopColor), behind(node.parentElement));
        if (found < 3) wrong.push("contrast " + found.toFixed(2) + " of the edge of " + node.id);
    }
    const style = getComputedStyle(document.documentElement);
    const hex = (key) => [1, 3, 5].map((at) => parseInt(style.getPropertyValue(key).trim().slice(at, at + 2), 16));
    for (const [one, other] of [["--on", "--off"], ["--on", "--card"], ["--focus", "--card"], ["--focus", "--page"], ["--ink", "--paper"]])
        if (ratio(hex(one), hex(other)) < 3) wrong.push("contrast " + ratio(hex(one), hex(other)).toFixed(2) + " of " + one + " on " + other);
    if (document.documentElement.lang !== "en") wrong.push("no language");
    if (!document.title || document.querySelectorAll("h1").length !== 1) wrong.push("no title, or not one heading of the first level");
    if (!document.querySelector("main") || !document.querySelector("[role=status]")) wrong.push("no landmark, or nothing that is announced");
    if (document.querySelector("[tabindex]:not([tabindex='0']):not([tabindex='-1'])")) wrong.push("an order of the focus of its own");
    if (document.documentElement.scrollWidth > document.documentElement.clientWidth) wrong.push("wider than the window: " + document.documentElement.scrollWidth);
    const ids = [...document.querySelectorAll("[id]")].map((node) => node.id);
    if (new Set(ids).size !== ids.length) wrong.push("an id twice");
    return wrong;
}
