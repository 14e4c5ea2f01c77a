// The word that goes with everything that is sent. It changes when somebody logs in in another tab, so the cookie is read
// at the moment of sending, and what stands in the page only where there is none.
export function csrfToken() {
  const [, ours] = document.cookie.match(/(?:^|; )csrftoken=([^;]+)/) ?? [];
  return ours ?? document.querySelector('meta[name="csrf-token"]')?.content ?? "";
}
