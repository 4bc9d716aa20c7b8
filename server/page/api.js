// SPDX-License-Identifier: Apache-2.0
//
// The server's endpoints, as the page uses them.

const headers = (key) => ({ "Content-Type": "application/json", ...(key ? { Authorization: `Bearer ${key}` } : {}) });

async function check(answer) {
  if (answer.ok) return answer;
  const body = await answer.json().catch(() => null);
  throw new Error(body?.error?.message ?? `${answer.status} ${answer.statusText}`);
}

export async function models(key) {
  const answer = await check(await fetch("/v1/models", { headers: headers(key) }));
  return (await answer.json()).data.map((model) => model.id);
}

// Gives {text} for each part and {timings, finish} at the end.
export async function* chat(request, key, signal) {
  const body = JSON.stringify({ ...request, stream: true });
  const answer = await check(await fetch("/v1/chat/completions", { method: "POST", headers: headers(key), body, signal }));
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) throw new Error("the answer broke off");
    rest += value;
    const events = rest.split("\n\n");
    rest = events.pop();
    for (const event of events) {
      const data = event.replace(/^data: ?/, "");
      if (data === "[DONE]") return;
      const json = JSON.parse(data);
      if (json.error) throw new Error(json.error.message);
      const choice = json.choices[0];
      if (choice?.delta.content) yield { text: choice.delta.content };
      if (choice?.finish_reason) yield { finish: choice.finish_reason, timings: json.timings };
    }
  }
}
