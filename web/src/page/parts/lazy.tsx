/** A part that is fetched when it is first shown, because most visits never need it. */
import type { ComponentType } from "preact";
import { useEffect, useState } from "preact/hooks";
import { words } from "../i18n";
import { tell } from "../model/notice";

/** Shows nothing until the part is here. Where it cannot be had that is said, and `onClose` called if there is one. */
export function lazy<Props extends object>(load: () => Promise<ComponentType<Props>>): ComponentType<Props> {
  let part: ComponentType<Props> | undefined;
  return function Lazy(props: Props) {
    const [, setLoaded] = useState(part !== undefined);
    useEffect(() => {
      if (part !== undefined) return;
      load().then(
        (loaded) => {
          part = loaded;
          setLoaded(true);
        },
        () => {
          tell(words.peek().refusals["unreachable"] ?? "");
          (props as { onClose?: () => void }).onClose?.();
        },
      );
    }, []);
    const Part = part;
    return Part === undefined ? null : <Part {...props} />;
  };
}
