/** Language and appearance, as two small native choices. */
import { LANGUAGES, language, setLanguage, words, type Language } from "../i18n";
import { tell } from "../model/notice";
import { setTheme, theme, THEMES, type Theme } from "../model/theme";

export function Preferences() {
  const t = words.value;
  return (
    <div class="preferences">
      <select
        aria-label={t.language}
        value={language.value}
        onChange={(event) => change(event.currentTarget.value as Language)}
      >
        {Object.entries(LANGUAGES).map(([code, name]) => (
          <option key={code} value={code} lang={code}>
            {name}
          </option>
        ))}
      </select>
      <select aria-label={t.theme} value={theme.value} onChange={(event) => setTheme(event.currentTarget.value as Theme)}>
        {THEMES.map((one) => (
          <option key={one} value={one}>
            {t.themes[one]}
          </option>
        ))}
      </select>
    </div>
  );
}

function change(next: Language): void {
  setLanguage(next).catch(() => tell(words.peek().refusals["unreachable"] ?? ""));
}
