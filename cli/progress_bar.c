/* SPDX-License-Identifier: Apache-2.0
 *
 * Progress on a terminal: one line made of pieces. When the terminal is narrow the less important ones are left out;
 * what space remains goes to the bar.
 */
#include "progress_private.h"

#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

enum { BAR_MIN = 10, BAR_MAX = 30, PIECE_SIZE = 64 };

/* In the order on the screen. */
typedef enum piece_name {
    P_TITLE,
    P_COUNT,
    P_BAR,
    P_PERCENT,
    P_ETA,
    P_SPEED,
    P_LOSS,
    P_PARTS,
    P_MAP,
    P_EPOCH,
    P_RATE,
    PIECES
} piece_name;

/* The most important first. */
static const piece_name importance[PIECES] = {P_COUNT, P_PERCENT, P_TITLE, P_ETA,   P_LOSS, P_BAR,
                                              P_SPEED, P_MAP,     P_EPOCH, P_PARTS, P_RATE};

typedef char pieces_text[PIECES][PIECE_SIZE];

static void piece_printf(pieces_text pieces, piece_name name, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static void piece_printf(pieces_text pieces, piece_name name, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(pieces[name], PIECE_SIZE, format, args);
    va_end(args);
}

/* "Loss/classification_loss" -> "cls", "Loss/RPNLoss/objectness_loss" -> "objectness". */
static void short_loss_name(char *out, size_t size, const char *name)
{
    const char *base = strrchr(name, '/');
    snprintf(out, size, "%s", base ? base + 1 : name);
    char *suffix = strstr(out, "_loss");
    if (suffix && !suffix[5]) *suffix = 0;
    static const char *const shorter[][2] = {
        {"classification", "cls"}, {"localization", "loc"}, {"regularization", "reg"}};
    for (int i = 0; i < 3; i++)
        if (!strcmp(out, shorter[i][0])) snprintf(out, size, "%s", shorter[i][1]);
}

static void loss_pieces(const cli_progress *p, pieces_text pieces)
{
    size_t used = 0;
    for (int i = 0; i < p->value_count; i++) {
        char name[96], part[128];
        short_loss_name(name, sizeof name, p->values[i].name);
        if (!strcmp(name, "total")) {
            piece_printf(pieces, P_LOSS, "loss %.4g", p->values[i].value);
            continue;
        }
        int n = snprintf(part, sizeof part, "%s%s %.3g", used ? " " : "", name, p->values[i].value);
        if (n < 0 || used + (size_t)n >= PIECE_SIZE) continue;
        memcpy(pieces[P_PARTS] + used, part, (size_t)n + 1);
        used += (size_t)n;
    }
}

/* "3:21", "1:02:33"; nothing when unknown. */
static void eta_piece(pieces_text pieces, double seconds)
{
    if (!(seconds >= 0 && seconds < 1e9)) return;
    long long s = (long long)(seconds + .5);
    if (s < 3600)
        piece_printf(pieces, P_ETA, "ETA %lld:%02lld", s / 60, s % 60);
    else
        piece_printf(pieces, P_ETA, "ETA %lld:%02lld:%02lld", s / 3600, s % 3600 / 60, s % 60);
}

static double train_pieces(const cli_progress *p, pieces_text pieces)
{
    const od_progress_event *s = &p->step;
    double fraction = s->total_steps > 0 && s->step >= 0 ? (double)s->step / (double)s->total_steps : (double)NAN;
    if (s->step >= 0 && s->total_steps >= 0)
        piece_printf(pieces, P_COUNT, "step %lld/%lld", (long long)s->step, (long long)s->total_steps);
    else if (s->step >= 0)
        piece_printf(pieces, P_COUNT, "step %lld", (long long)s->step);
    eta_piece(pieces, cli_progress_seconds_left(p));
    if (!isnan(s->images_per_second)) piece_printf(pieces, P_SPEED, "%.1f img/s", s->images_per_second);
    loss_pieces(p, pieces);
    if (!isnan(p->map)) piece_printf(pieces, P_MAP, "mAP %.3f", p->map);
    if (!isnan(s->epoch)) piece_printf(pieces, P_EPOCH, "epoch %.1f", s->epoch);
    if (!isnan(s->learning_rate)) piece_printf(pieces, P_RATE, "lr %.3g", s->learning_rate);
    return fraction;
}

static double eval_pieces(const cli_progress *p, pieces_text pieces)
{
    const od_progress_event *e = &p->evaluation;
    int64_t done = e->done < 0 ? 0 : e->done;
    piece_printf(pieces, P_TITLE, "evaluating step %lld", (long long)e->step);
    if (e->total < 0) {
        piece_printf(pieces, P_COUNT, "%lld images", (long long)done);
        return (double)NAN;
    }
    piece_printf(pieces, P_COUNT, "%lld/%lld images", (long long)done, (long long)e->total);
    double elapsed = p->clock(p->clock_user) - p->eval_begin;
    if (done) eta_piece(pieces, elapsed / (double)done * (double)(e->total - done));
    if (done && elapsed > 0) piece_printf(pieces, P_SPEED, "%.1f img/s", (double)done / elapsed);
    return e->total ? (double)done / (double)e->total : (double)NAN;
}

/* Bytes for `width` columns of bar; colours and multi-byte signs don't count as columns. */
static size_t bar_format(const cli_progress *p, double fraction, int width, char *text, size_t size)
{
    int filled = (int)(fraction * width + .5);
    size_t used = 0;
    text[0] = 0;
    for (int i = 0; i < width; i++) {
        const char *color = !p->color ? "" : i == 0 && filled ? "\033[32m" : i == filled ? "\033[2m" : "";
        if (p->color && i == filled && i) color = "\033[0m\033[2m";
        const char *sign = p->utf8 ? (i < filled ? "━" : "─") : i < filled ? "=" : "-";
        int n = snprintf(text + used, size - used, "%s%s", color, sign);
        if (n < 0 || (size_t)n >= size - used) break;
        used += (size_t)n;
    }
    if (p->color && used + 5 < size) used += (size_t)snprintf(text + used, size - used, "\033[0m");
    return used;
}

/* Which pieces fit into `columns`, two blanks between them; the rest is emptied. Returns the bar's width. */
static int choose_pieces(pieces_text pieces, bool with_bar, int columns)
{
    bool keep[PIECES] = {false};
    int used = -2, bar = 0;
    for (int i = 0; i < PIECES; i++) {
        piece_name name = importance[i];
        int width = name == P_BAR ? (with_bar ? BAR_MIN : 0) : (int)strlen(pieces[name]);
        if (!width || used + 2 + width > columns) continue;
        keep[name] = true;
        used += 2 + width;
    }
    if (keep[P_BAR]) bar = BAR_MIN + columns - used < BAR_MAX ? BAR_MIN + columns - used : BAR_MAX;
    for (int i = 0; i < PIECES; i++)
        if (!keep[i]) pieces[i][0] = 0;
    return bar;
}

void cli_progress_bar_format(const cli_progress *p, int columns, char *text, size_t size)
{
    pieces_text pieces = {""};
    double fraction = p->evaluating ? eval_pieces(p, pieces) : train_pieces(p, pieces);
    bool with_bar = fraction >= 0;
    if (fraction > 1) fraction = 1;
    if (with_bar) piece_printf(pieces, P_PERCENT, "%d%%", (int)(100 * fraction));
    int bar = choose_pieces(pieces, with_bar, columns);
    size_t used = 0;
    text[0] = 0;
    for (int i = 0; i < PIECES; i++) {
        if (!(i == P_BAR ? bar : pieces[i][0]) || used + 2 >= size) continue;
        if (used) used += (size_t)snprintf(text + used, size - used, "  ");
        if (i == P_BAR) {
            used += bar_format(p, fraction, bar, text + used, size - used);
            continue;
        }
        int n = snprintf(text + used, size - used, "%s", pieces[i]);
        if (n < 0 || (size_t)n >= size - used) return;
        used += (size_t)n;
    }
}

static int terminal_columns(const cli_progress *p)
{
    struct winsize window;
    if (!ioctl(fileno(p->out), TIOCGWINSZ, &window) && window.ws_col > 0) return window.ws_col;
    const char *columns = getenv("COLUMNS");
    int n = columns ? atoi(columns) : 0;
    return n > 0 && n < 10000 ? n : 80;
}

void cli_progress_bar_clear(cli_progress *p)
{
    fputs("\r\033[K", p->out);
    fflush(p->out);
    p->drawn = false;
}

/* The last column stays free: a sign there would make some terminals start a new line. */
void cli_progress_bar_draw(cli_progress *p)
{
    char text[1024];
    cli_progress_bar_format(p, terminal_columns(p) - 1, text, sizeof text);
    fprintf(p->out, "\r%s\033[K", text);
    fflush(p->out);
    p->drawn = true;
    p->drawn_at = p->clock(p->clock_user);
}

static void print_eval_line(cli_progress *p, const od_progress_event *e)
{
    static const char *const shown[][2] = {{"DetectionBoxes_Precision/mAP@.50IOU", "AP50"},
                                           {"DetectionBoxes_Precision/mAP@.75IOU", "AP75"},
                                           {"Loss/total_loss", "loss"}};
    char took[32];
    fprintf(p->out, "eval at step %lld:", (long long)p->evaluation.step);
    if (!isnan(p->map)) fprintf(p->out, " mAP %.3f", p->map);
    for (int i = 0; i < 3; i++) {
        double value = cli_progress_metric(e, shown[i][0]);
        if (!isnan(value)) fprintf(p->out, "  %s %.3f", shown[i][1], value);
    }
    if (p->evaluation.total >= 0 && !isnan(e->seconds))
        fprintf(p->out, "  (%lld images, %s)", (long long)p->evaluation.total,
                cli_format_duration(took, sizeof took, e->seconds));
    if (!isnan(p->map) && p->best_map_step != p->evaluation.step)
        fprintf(p->out, "  best: %.3f at step %lld", p->best_map, (long long)p->best_map_step);
    fputc('\n', p->out);
}

static void print_done_line(cli_progress *p, const od_progress_event *e)
{
    char took[32];
    fprintf(p->out, "done");
    if (e->step >= 0) fprintf(p->out, ": step %lld", (long long)e->step);
    if (!isnan(e->seconds)) fprintf(p->out, " after %s", cli_format_duration(took, sizeof took, e->seconds));
    for (int i = 0; i < p->value_count; i++)
        if (!strcmp(p->values[i].name, "Loss/total_loss")) fprintf(p->out, ", loss %.4g", p->values[i].value);
    if (!isnan(p->map)) fprintf(p->out, ", mAP %.3f", p->map);
    fputc('\n', p->out);
    if (e->text) fprintf(p->out, "%s\n", e->text);
}

void cli_progress_lines(cli_progress *p, const od_progress_event *e)
{
    switch (e->kind) {
    case OD_PROGRESS_RESUMED:
        fprintf(p->out, "resuming from %s, step %lld\n", e->text ? e->text : "a checkpoint", (long long)e->step);
        break;
    case OD_PROGRESS_CHECKPOINT:
        fprintf(p->out, "saved %s (step %lld)\n", e->text ? e->text : "a checkpoint", (long long)e->step);
        break;
    case OD_PROGRESS_EVAL_END: print_eval_line(p, e); break;
    case OD_PROGRESS_DONE: print_done_line(p, e); break;
    case OD_PROGRESS_START:
    case OD_PROGRESS_NOTE:
        if (e->text) fprintf(p->out, "%s\n", e->text);
        break;
    default: break;
    }
}
