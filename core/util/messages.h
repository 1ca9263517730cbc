/*
 * messages: every sentence that soldr says when something is wrong, each with an
 * id that stays.
 *
 * A row is MESSAGE(NUMBER, NAME, text, meaning, mend). The text is a printf
 * format, and the row makes a constant of it, ENUMBER_NAME, which begins with the
 * id: "E104 cannot open %s". The constant is the format at the place that says
 * the sentence, so the compiler checks the arguments there, and a sentence that
 * has no row cannot be said. err.h turns it into "cannot open /x [E104]".
 *
 * meaning and mend are for `soldr help E104`: "" where the text says it itself.
 *
 * Ids are for ever: a message that is gone leaves a gap, a new one takes the next
 * number of its room, and one that comes to mean something else gets a new one.
 * Rows stand in the order of their numbers. tests/e2e/66-errors.t wants each to
 * be used and to be triggered.
 */
#ifndef SOLDR_UTIL_MESSAGES_H
#define SOLDR_UTIL_MESSAGES_H

#include <inttypes.h>

#define MESSAGE(number, name, text, meaning, mend) static const char E##number##_##name[] = "E" #number " " text;
#include "messages.def"
#undef MESSAGE

#endif
