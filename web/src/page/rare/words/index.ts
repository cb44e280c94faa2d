/** The words of what is rare, in the language in force. */
import { computed } from "@preact/signals";
import { language, type Language } from "../../i18n";
import { en, type RareDictionary } from "./en";
import { ko } from "./ko";

const DICTIONARIES: Record<Language, RareDictionary> = { en, ko };

export const rareWords = computed(() => DICTIONARIES[language.value]);
