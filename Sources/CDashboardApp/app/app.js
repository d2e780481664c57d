const place = document.getElementById("status");
const answer = await fetch("/api/status");
place.textContent = JSON.stringify(await answer.json(), null, 2);
