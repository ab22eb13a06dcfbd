// Desktop notifications: where the browser has them, and somebody allowed them.

/** @returns {'none' | 'denied' | 'granted' | 'default'} */
export function noticePermission() {
  // In a frame of another site they are always denied, and asking is refused.
  if (typeof Notification !== 'function' || window.parent !== window) return 'none';
  return Notification.permission;
}

/** Ask; call it in a click. @returns {Promise<boolean>} */
export async function allowNotices() {
  try {
    return (await Notification.requestPermission()) === 'granted';
  } catch {
    return false;
  }
}

/**
 * Tell it on the desktop. One per row: a later one takes the place of the first.
 * @param {string} title @param {string} body @param {string} tag @param {() => void} clicked
 */
export function notify(title, body, tag, clicked) {
  try {
    const notice = new Notification(title, {body, tag, icon: 'data:,'});
    notice.onclick = () => { window.focus(); notice.close(); clicked(); };
  } catch {
    // phones want a service worker for it
  }
}
