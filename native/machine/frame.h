/* Frames, which hold the variables of one activation, and the way out to others.
 *
 * A frame knows the one around it. One whose depth is divisible by a power of
 * four knows more, for each such power 4^k: the frames 4^k, 2·4^k and 3·4^k out.
 * The way from depth d to depth e then goes out by the digits of d in base four,
 * from the lowest on, to where d and e have the same higher digits, and on by what
 * is left, from the highest digit down: at most six moves for each digit. That is
 * a word more for a frame on average. The greatest k is the frame's reach.
 */
#ifndef CAL_FRAME_H
#define CAL_FRAME_H

#include "machine/node.h"

struct cal_frame {
  cal_frame *outer;
  cal_value slots[]; /* the first variable, three frames for each level of reach, other variables */
};

enum {
  CAL_FRAME_SLOTS = 32, /* with more, a let opens a frame of its own */
  CAL_MOST_REACH = 10, /* beyond a million frames the way is longer by one move for three million */
  CAL_REACHED = 3      /* frames for each level of reach */
};

_Static_assert(CAL_FRAME_SLOTS <= 256, "a slot has eight bits in a part");
_Static_assert(1 + CAL_REACHED * CAL_MOST_REACH < CAL_FRAME_SLOTS, "what is reached fits a frame");

/* The reach of a frame at a depth from 1 on. */
static inline unsigned cal_reach(uint32_t depth) {
  const unsigned zeros = (unsigned)__builtin_ctz(depth) / 2;
  return zeros < CAL_MOST_REACH ? zeros : CAL_MOST_REACH;
}

/* The slots of a frame of some reach that holds nothing but its first variable. */
static inline uint32_t cal_first_slots(unsigned reach) { return 1 + CAL_REACHED * reach; }

/* Where a frame has those that are `times` · 4^level out; level is 1 or more, times 1 to 3. */
static inline cal_value *cal_reached(cal_frame *frame, unsigned level, unsigned times) {
  return &frame->slots[CAL_REACHED * (level - 1) + times];
}

/* Sets what a frame reaches, which is nothing (0) beyond the outermost. */
static inline void cal_set_reached(cal_frame *frame, unsigned reach) {
  cal_frame *next = frame->outer;
  for (int i = 0; i < 3 && next != NULL; i++) {
    next = next->outer;
  }
  for (unsigned level = 1; level <= reach; level++) {
    *cal_reached(frame, level, 1) = (cal_value)next;
    *cal_reached(frame, level, 2) = next == NULL ? 0 : *cal_reached(next, level, 1);
    *cal_reached(frame, level, 3) = next == NULL ? 0 : *cal_reached(next, level, 2);
    next = next == NULL ? NULL : (cal_frame *)*cal_reached(next, level, 3);
  }
}

/* The frame `times` · 4^level out, where the frame reaches it. */
static inline cal_frame *cal_move_out(cal_frame *frame, unsigned level, uint64_t times) {
  if (level == 0) {
    for (; times != 0; times--) {
      frame = frame->outer;
    }
    return frame;
  }
  return times == 0 ? frame : (cal_frame *)*cal_reached(frame, level, (unsigned)times);
}

/* The frame `left` out of one at `depth`. */
static inline cal_frame *cal_frames_out(cal_frame *frame, uint64_t depth, uint64_t left) {
  unsigned level = 0;
  while (level < CAL_MOST_REACH && left >> (2 * level) != 0) {
    const uint64_t digit = depth >> (2 * level) & 3;
    if (digit << (2 * level) > left) {
      break;
    }
    frame = cal_move_out(frame, level, digit);
    left -= digit << (2 * level);
    level++;
  }
  for (; level > 0; level--) {
    uint64_t times = left >> (2 * level);
    left -= times << (2 * level);
    for (; times > CAL_REACHED; times -= CAL_REACHED) {
      frame = cal_move_out(frame, level, CAL_REACHED);
    }
    frame = cal_move_out(frame, level, times);
  }
  return cal_move_out(frame, 0, left);
}

/* How many moves `cal_frames_out` makes. */
static inline uint64_t cal_moves_out(uint64_t depth, uint64_t left) {
  uint64_t moves = 0;
  unsigned level = 0;
  for (; level < CAL_MOST_REACH && left >> (2 * level) != 0; level++) {
    const uint64_t digit = depth >> (2 * level) & 3;
    if (digit << (2 * level) > left) {
      break;
    }
    moves += level == 0 ? digit : digit != 0;
    left -= digit << (2 * level);
  }
  for (; level > 0; level--) {
    const uint64_t times = left >> (2 * level);
    left -= times << (2 * level);
    moves += (times + CAL_REACHED - 1) / CAL_REACHED;
  }
  return moves + left;
}

#endif
