/* SPDX-License-Identifier: Apache-2.0 */
#include "eval/coco_curves.h"

#include "eval/score_sort.h"
#include "util/alloc.h"

/* A kept detection before sorting. */
typedef struct entry {
    uint32_t det, image, mask; /* mask: index or OD_COCO_NO_MASK */
    uint32_t rank_flags;       /* OD_COCO_EVENT_TOP1 | OD_COCO_EVENT_TOP10 */
} entry;

typedef struct builder {
    entry *entries;
    od_scored *order, *scratch;
    uint32_t *slot_entry; /* entry of each slot */
} builder;

static size_t kept(const od_coco_group *g, int max_dets)
{
    return g->num_dets < (uint32_t)max_dets ? g->num_dets : (size_t)max_dets;
}

static void count_boxes(const od_coco_groups *groups, size_t k, int max_dets, size_t *dets, size_t *truths)
{
    *dets = *truths = 0;
    for (size_t i = groups->class_begin[k]; i < groups->class_begin[k + 1]; i++) {
        *dets += kept(&groups->groups[i], max_dets);
        *truths += groups->groups[i].num_truths;
    }
}

static void gather_entries(builder *b, const od_coco_groups *groups, size_t k, int max_dets,
                           const od_coco_matches *matches, const od_coco_det *dets)
{
    size_t n = 0;
    for (size_t i = groups->class_begin[k]; i < groups->class_begin[k + 1]; i++) {
        const od_coco_group *g = &groups->groups[i];
        for (uint32_t j = 0; j < kept(g, max_dets); j++, n++) {
            uint32_t det = groups->dets[g->det + j], mask = matches->mask_at[i];
            uint32_t flags = (j < 1 ? OD_COCO_EVENT_TOP1 : 0) | (j < 10 ? OD_COCO_EVENT_TOP10 : 0);
            b->entries[n] = (entry){det, (uint32_t)g->image, mask == OD_COCO_NO_MASK ? mask : mask + j, flags};
            b->order[n] = (od_scored){dets[det].score, (uint32_t)n};
        }
    }
    od_score_sort(b->order, b->scratch, n);
}

static void gather_truths(od_coco_curves *c, const od_coco_groups *groups, size_t k, const od_coco_truth *truths)
{
    size_t n = 0;
    for (size_t i = groups->class_begin[k]; i < groups->class_begin[k + 1]; i++) {
        const od_coco_group *g = &groups->groups[i];
        for (uint32_t j = 0; j < g->num_truths; j++, n++) {
            const od_coco_truth *t = &truths[groups->truths[g->truth + j]];
            c->truth_image[n] = (uint32_t)g->image;
            c->truth_areas[n] = t->crowd || t->ignored ? 0 : (uint8_t)od_coco_area_bits(t->area);
        }
    }
}

/* The thresholds at which a detection that is not a true positive counts otherwise than an unmatched one would. */
static unsigned odd_ignores(const od_coco_mask *m, unsigned areas, int a)
{
    return areas >> a & 1 ? m->ignored[a] : 0;
}

static int has_events(const od_coco_mask *m, unsigned areas)
{
    unsigned any = 0;
    for (int a = 0; a < OD_COCO_A; a++) any |= m->tp[a] | odd_ignores(m, areas, a);
    return any != 0;
}

/* Fills the detections in order and notes the slots. */
static void lay_out_dets(od_coco_curves *c, builder *b, const od_coco_matches *matches, const od_coco_det *dets, const od_coco_masks *masks)
{
    for (size_t i = 0; i < c->num_dets; i++) {
        const entry *e = &b->entries[b->order[i].index];
        c->det[i] = e->det;
        c->det_image[i] = e->image;
        c->det_areas[i] = (uint8_t)od_coco_area_bits(od_coco_det_area(masks, dets, e->det));
        if (e->mask == OD_COCO_NO_MASK || !has_events(&matches->masks[e->mask], c->det_areas[i])) continue;
        b->slot_entry[c->num_slots] = b->order[i].index;
        c->slots[c->num_slots++] = (uint32_t)i;
    }
}

/* Appends the events of one slot, or with c->events NULL counts them in event_begin[.. + 1]. */
static void add_events(od_coco_curves *c, size_t slot, const entry *e, const od_coco_mask *m, size_t *at)
{
    unsigned areas = c->det_areas[c->slots[slot]];
    for (int a = 0; a < OD_COCO_A; a++) {
        unsigned tp = m->tp[a], ignored = odd_ignores(m, areas, a);
        unsigned outside = areas >> a & 1 ? 0 : OD_COCO_EVENT_OUTSIDE;
        for (unsigned left = tp | ignored; left; left &= left - 1) {
            int t = __builtin_ctz(left);
            size_t list = (size_t)(a * OD_COCO_T + t);
            unsigned flags = tp >> t & 1 ? OD_COCO_EVENT_TP | outside | e->rank_flags : OD_COCO_EVENT_IGNORED;
            if (c->events)
                c->events[at[list]++] = (od_coco_event){(uint32_t)slot | flags, e->image};
            else
                c->event_begin[list + 1]++;
        }
    }
}

static od_status lay_out_events(od_coco_curves *c, const builder *b, const od_coco_matches *matches, od_error *err)
{
    if (c->num_slots > OD_COCO_EVENT_SLOT)
        return od_error_set(err, OD_ERR_UNSUPPORTED, "%zu matched detections of one class; at most %u can be evaluated",
                            c->num_slots, (unsigned)OD_COCO_EVENT_SLOT);
    enum { LISTS = OD_COCO_A * OD_COCO_T };
    for (size_t s = 0; s < c->num_slots; s++) {
        const entry *e = &b->entries[b->slot_entry[s]];
        add_events(c, s, e, &matches->masks[e->mask], NULL);
    }
    size_t at[LISTS];
    for (int i = 0; i < LISTS; i++) {
        c->event_begin[i + 1] += c->event_begin[i];
        at[i] = c->event_begin[i];
    }
    c->events = od_malloc(c->event_begin[LISTS], sizeof *c->events);
    if (!c->events) return od_error_nomem(err, "the precision-recall curves");
    for (size_t s = 0; s < c->num_slots; s++) {
        const entry *e = &b->entries[b->slot_entry[s]];
        add_events(c, s, e, &matches->masks[e->mask], at);
    }
    return OD_OK;
}

static int allocate(od_coco_curves *c, builder *b)
{
    size_t n = c->num_dets;
    b->entries = od_malloc(n, sizeof *b->entries);
    b->order = od_malloc(n, sizeof *b->order);
    b->scratch = od_malloc(n, sizeof *b->scratch);
    b->slot_entry = od_malloc(n, sizeof *b->slot_entry);
    c->det = od_malloc(n, sizeof *c->det);
    c->det_image = od_malloc(n, sizeof *c->det_image);
    c->det_areas = od_malloc(n, sizeof *c->det_areas);
    c->slots = od_malloc(n, sizeof *c->slots);
    c->truth_image = od_malloc(c->num_truths, sizeof *c->truth_image);
    c->truth_areas = od_malloc(c->num_truths, sizeof *c->truth_areas);
    return b->entries && b->order && b->scratch && b->slot_entry && c->det && c->det_image && c->det_areas &&
           c->slots && c->truth_image && c->truth_areas;
}

od_status od_coco_curves_build(od_coco_curves *out, size_t k, int max_dets, const od_coco_groups *groups,
                               const od_coco_matches *matches, const od_coco_det *dets, const od_coco_truth *truths, const od_coco_masks *masks,
                               od_error *err)
{
    od_coco_curves c = {0};
    builder b = {0};
    od_status status = OD_OK;
    count_boxes(groups, k, max_dets, &c.num_dets, &c.num_truths);
    if (allocate(&c, &b)) {
        gather_entries(&b, groups, k, max_dets, matches, dets);
        gather_truths(&c, groups, k, truths);
        lay_out_dets(&c, &b, matches, dets, masks);
        status = lay_out_events(&c, &b, matches, err);
    } else {
        status = od_error_nomem(err, "the precision-recall curves");
    }
    if (status == OD_OK) {
        *out = c;
        c = (od_coco_curves){0};
    }
    od_coco_curves_deinit(&c);
    od_free(b.entries);
    od_free(b.order);
    od_free(b.scratch);
    od_free(b.slot_entry);
    return status;
}

void od_coco_curves_deinit(od_coco_curves *c)
{
    od_free(c->det);
    od_free(c->det_image);
    od_free(c->det_areas);
    od_free(c->slots);
    od_free(c->events);
    od_free(c->truth_image);
    od_free(c->truth_areas);
    *c = (od_coco_curves){0};
}
