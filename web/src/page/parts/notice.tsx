/** What somebody should know, above everything, until they have read it. */
import { words } from "../i18n";
import { dismissNotice, notice } from "../model/notice";
import { Icon } from "./icons";

export function Notice() {
  if (notice.value === undefined) return null;
  return (
    <div class="banner banner-bad" role="alert">
      <Icon name="alert" />
      <p>{notice.value}</p>
      <button type="button" class="icon-button" aria-label={words.value.dismiss} onClick={dismissNotice}>
        <Icon name="close" />
      </button>
    </div>
  );
}
