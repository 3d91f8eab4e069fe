// Dates, moments, times of the day and durations as exact ticks: runtime/infonet/inputs/meanings.py.

import { inOrder } from "./amounts.js";

const FRACTION = "(?:[.,]\\d{1,9})?";
const PLAIN = /^\d{4}([-/])\d\d\1\d\d([ T]\d\d:\d\d(:\d\d(?:[.,]\d{1,6})?)?)?Z?$/;
const DAY =
  "(?:(?<dayFirst>\\d\\d?)\\.(?<monthNext>\\d\\d?)\\.(?<yearLast>\\d{4})|(?<year>\\d{4}|[+-]\\d{4,6})(?:" +
  "(?<mark>[-/]?)(?<month>\\d\\d)(?:\\k<mark>(?<day>\\d\\d))?" +
  "|-?Q(?<quarter>[1-4])|-?W(?<week>\\d\\d)(?:-?(?<weekday>[1-7]))?))";
const CLOCK = `(?<hour>\\d\\d|\\d(?=:))(?::?(?<minute>\\d\\d)(?::?(?<second>\\d\\d${FRACTION}))?)?`;
const OFFSET = "\\s?(?<offset>Z|UTC|GMT|[+-](?<oh>\\d\\d)(?::?(?<om>\\d\\d)(?::?(?<os>\\d\\d))?)?)(?:\\[[\\w/+-]+\\])?";
const MOMENT = new RegExp(`^${DAY}(?:(?:T|\\s+)${CLOCK}(?:${OFFSET})?)?$`, "i");
const OF_DAY = new RegExp(
  `^(?<sign>[+-]?)(?<hour>\\d{1,6}):(?<minute>\\d\\d)(?::(?<second>\\d\\d${FRACTION}))?(?:\\s?(?<half>[AaPp])\\.?[Mm]\\.?)?$`,
);
const DAYS = new RegExp(
  `^(?<days>[+-]?\\d{1,9})\\s+days?(?:,?\\s+(?<sign>[+-]?)(?<hour>\\d{1,2}):(?<minute>\\d\\d):(?<second>\\d\\d${FRACTION}))?$`,
);
const NUMBER = `[+-]?\\d{1,12}${FRACTION}`;
const PERIOD = new RegExp(
  `^(?<sign>[+-]?)P(?=[\\dT+-])(?:(?<Y>${NUMBER})Y)?(?:(?<M>${NUMBER})M)?(?:(?<W>${NUMBER})W)?` +
    `(?:(?<D>${NUMBER})D)?(?:T(?=[\\d+-])(?:(?<h>${NUMBER})H)?(?:(?<m>${NUMBER})M)?(?:(?<s>${NUMBER})S)?)?$`,
);
const MONTH = 2_629_746n; // seconds of a twelfth of the mean year of the calendar, 365.2425 days
const SECONDS = { Y: 12n * MONTH, M: MONTH, W: 604_800n, D: 86_400n, h: 3600n, m: 60n, s: 1n };
const GIGA = 10n ** 9n;
const MICROS = 1000n; // nanoseconds

/**
 * Texts that all say moments, or all say times of the day or durations: {values, clock}, else null. Values are float64
 * [n] in their order; clock says how to read them, {perSecond, isMoment}, or is null where they are only positions.
 */
export function times(texts) {
  const plain = texts.every((text) => PLAIN.test(text));
  const known = new Map();
  const readers = [(text) => moment(plain ? text.replace("Z", "") : text), span];
  for (const [k, read] of readers.entries()) {
    known.clear();
    if (texts.every((text) => known.get(text) !== undefined || known.set(text, read(text)).get(text) !== null)) {
      const ticks = texts.map((text) => known.get(text));
      if (ticks.some((tick) => tick / MICROS >= 2n ** 63n || tick / MICROS <= -(2n ** 63n))) return null;
      const whole = ticks.every((tick) => tick % MICROS === 0n);
      const found = whole ? ticks.map((tick) => tick / MICROS) : ticks;
      const values = inOrder(found);
      const same = found.every((tick, i) => Number(tick) === values[i]);
      return { values, clock: same ? { perSecond: whole ? 1e6 : 1e9, isMoment: k === 0 } : null };
    }
  }
  return null;
}

/** Nanoseconds since 1970 in UTC, or null of a date or a time that does not exist. */
function moment(text) {
  const found = MOMENT.exec(text)?.groups;
  if (!found) return null;
  if (found.month && !found.mark && !(found.day && found.hour)) return null; // 20200101 is a number
  const days = found.week ? dayOfWeek(found) : dayOfMonth(found);
  const seconds = clock(found);
  if (days === null || seconds === null || seconds > 86_401n * GIGA) return null;
  let offset = 0n;
  if (found.oh) {
    const [hours, minutes, rest] = [found.oh, found.om, found.os].map((part) => BigInt(part ?? 0));
    if (hours > 23n || minutes > 59n || rest > 59n) return null;
    offset = (hours * 60n + minutes) * 60n + rest;
    if (found.offset[0] === "-") offset = -offset;
  }
  return (BigInt(days) * 86_400n - offset) * GIGA + seconds;
}

function dayOfMonth(found) {
  const year = Number(found.year ?? found.yearLast);
  const month = Number(found.month ?? found.monthNext ?? 3 * found.quarter - 2);
  const day = Number(found.day ?? found.dayFirst ?? 1);
  const days = daysSince(year, month, day);
  const back = new Date(days * 86_400_000);
  const exists = month >= 1 && month <= 12 && day >= 1 && back.getUTCMonth() === month - 1 && back.getUTCDate() === day;
  return exists ? days : null;
}

/** The day of a week of ISO 8601: the first week holds the 4th of January. */
function dayOfWeek(found) {
  const [year, week] = [Number(found.year), Number(found.week)];
  const fourth = daysSince(year, 1, 4);
  const monday = fourth - ((((fourth + 3) % 7) + 7) % 7);
  const next = daysSince(year + 1, 1, 4);
  const weeks = (next - ((((next + 3) % 7) + 7) % 7) - monday) / 7;
  if (week < 1 || week > weeks) return null;
  return monday + 7 * (week - 1) + Number(found.weekday ?? 1) - 1;
}

function daysSince(year, month, day) {
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  return Math.round(date.getTime() / 86_400_000);
}

/** Nanoseconds of hour, minute and second; null of a minute above 59 or a second above 60, the leap second. */
function clock({ hour, minute, second }) {
  const fraction = nanoseconds(second ?? "0");
  if (Number(minute ?? 0) > 59 || fraction >= 61n * GIGA) return null;
  return (BigInt(hour ?? 0) * 60n + BigInt(minute ?? 0)) * 60n * GIGA + fraction;
}

function nanoseconds(text) {
  const [whole, fraction = ""] = text.replace(",", ".").split(".");
  return BigInt(whole) * GIGA + BigInt(fraction.padEnd(9, "0"));
}

/** Nanoseconds of a time of the day or a duration, or null of another text. */
function span(text) {
  let found = OF_DAY.exec(text)?.groups;
  if (found) {
    let ticks = clock(found);
    if (ticks === null) return null;
    if (found.half) {
      const hour = Number(found.hour);
      if (hour < 1 || hour > 12 || found.sign) return null;
      ticks += BigInt((hour % 12) + ("Pp".includes(found.half) ? 12 : 0) - hour) * 3600n * GIGA;
    }
    return found.sign === "-" ? -ticks : ticks;
  }
  found = DAYS.exec(text)?.groups;
  if (found) {
    const ticks = clock(found);
    if (ticks === null) return null;
    return BigInt(found.days) * 86_400n * GIGA + (found.sign === "-" ? -ticks : ticks);
  }
  found = PERIOD.exec(text)?.groups;
  if (!found) return null;
  let total = 0n;
  for (const [part, seconds] of Object.entries(SECONDS)) {
    if (!found[part]) continue;
    const [whole, fraction = ""] = found[part].replace(",", ".").replace(/^[+-]/, "").split(".");
    const ticks = (BigInt(whole) * GIGA + BigInt(fraction.padEnd(9, "0"))) * seconds;
    total += found[part].startsWith("-") ? -ticks : ticks;
  }
  return found.sign === "-" ? -total : total;
}
