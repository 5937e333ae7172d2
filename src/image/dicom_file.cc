/* SPDX-License-Identifier: Apache-2.0 */
#include "image/dicom_file.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>

#include <dcmtk/config/osconfig.h>
#include <dcmtk/dcmdata/dcdeftag.h>
#include <dcmtk/dcmdata/dcfilefo.h>
#include <dcmtk/dcmdata/dcistrmb.h>
#include <dcmtk/dcmdata/dcrledrg.h>
#include <dcmtk/dcmjpeg/djdecode.h>
#include <dcmtk/dcmjpls/djdecode.h>
#include <dcmtk/oflog/oflog.h>

namespace {

int refuse(char *reason, size_t size, const char *text)
{
    std::snprintf(reason, size, "%s", text);
    return -1;
}

/* Once: no messages of DCMTK's own, decoders for compressed pixels. */
bool prepare()
{
    OFLog::configure(OFLogger::OFF_LOG_LEVEL);
    DJDecoderRegistration::registerCodecs();
    DJLSDecoderRegistration::registerCodecs();
    DcmRLEDecoderRegistration::registerCodecs();
    return true;
}

int number(DcmDataset &set, const DcmTagKey &tag, int missing)
{
    Uint16 v;
    return set.findAndGetUint16(tag, v).good() ? (int)v : missing;
}

void text(DcmDataset &set, const DcmTagKey &tag, char *out, size_t size)
{
    OFString v;
    if (set.findAndGetOFString(tag, v).bad()) v = "";
    std::snprintf(out, size, "%s", v.c_str());
    for (size_t n = std::strlen(out); n && out[n - 1] == ' ';) out[--n] = 0;
}

int take_header(DcmDataset &set, od_dicom_pixels *out, char *reason, size_t reason_size)
{
    Sint32 frames = 1;
    out->width = number(set, DCM_Columns, 0);
    out->height = number(set, DCM_Rows, 0);
    out->channels = number(set, DCM_SamplesPerPixel, 1);
    if (set.findAndGetSint32(DCM_NumberOfFrames, frames).bad()) frames = 1;
    out->frames = (int)frames;
    text(set, DCM_PhotometricInterpretation, out->photometric, sizeof out->photometric);
    text(set, DCM_VOILUTFunction, out->function, sizeof out->function);
    out->inverted = !std::strcmp(out->photometric, "MONOCHROME1");
    Float64 v;
    out->slope = set.findAndGetFloat64(DCM_RescaleSlope, v).good() && v != 0 ? v : 1;
    out->intercept = set.findAndGetFloat64(DCM_RescaleIntercept, v).good() ? v : 0;
    out->has_window = set.findAndGetFloat64(DCM_WindowCenter, out->center).good() &&
                      set.findAndGetFloat64(DCM_WindowWidth, out->window_width).good() && out->window_width >= 1;
    return out->width && out->height ? 0 : refuse(reason, reason_size, "the header has no Rows and Columns");
}

/* The stored bits of a cell, with their sign. */
int32_t stored(uint32_t cell, int shift, int bits, bool is_signed)
{
    uint32_t v = cell >> shift, mask = bits < 32 ? (1u << bits) - 1 : ~0u;
    v &= mask;
    if (is_signed && bits < 32 && (v & 1u << (bits - 1))) v |= ~mask;
    return (int32_t)v;
}

int take_pixels(DcmDataset &set, od_dicom_pixels *out, char *reason, size_t reason_size)
{
    int allocated = number(set, DCM_BitsAllocated, 0), bits = number(set, DCM_BitsStored, allocated), high = number(set, DCM_HighBit, bits - 1);
    bool is_signed = number(set, DCM_PixelRepresentation, 0) == 1, planar = number(set, DCM_PlanarConfiguration, 0) == 1 && out->channels == 3;
    size_t area = (size_t)out->width * (size_t)out->height, n = area * (size_t)out->channels;
    if ((allocated != 8 && allocated != 16) || bits < 1 || bits > allocated || high < bits - 1 || high >= allocated)
        return refuse(reason, reason_size, "bits of pixels (allocated, stored, high bit) that aren't read; expected 8 or 16 allocated");
    if (set.chooseRepresentation(EXS_LittleEndianExplicit, NULL).bad() || !set.canWriteXfer(EXS_LittleEndianExplicit))
        return refuse(reason, reason_size, "compressed in a way that DCMTK doesn't decode (JPEG 2000?); decompress it first");
    const Uint8 *small = NULL;
    const Uint16 *large = NULL;
    unsigned long count = 0;
    bool got = allocated == 16 ? set.findAndGetUint16Array(DCM_PixelData, large, &count).good() : set.findAndGetUint8Array(DCM_PixelData, small, &count).good();
    if (!got || count < n) return refuse(reason, reason_size, "there are fewer pixels than the header says");
    out->values = (int32_t *)std::malloc(n * sizeof *out->values);
    if (!out->values) return refuse(reason, reason_size, "out of memory");
    for (size_t i = 0; i < n; i++) {
        size_t from = planar ? i % 3 * area + i / 3 : i;
        out->values[i] = stored(large ? large[from] : small[from], high + 1 - bits, bits, is_signed);
    }
    return 0;
}

int read(const uint8_t *bytes, size_t size, int pixels, od_dicom_pixels *out, char *reason, size_t reason_size)
{
    static const bool prepared = prepare();
    (void)prepared;
    DcmInputBufferStream stream;
    stream.setBuffer(bytes, (offile_off_t)size);
    stream.setEos();
    DcmFileFormat file;
    file.transferInit();
    OFCondition done = file.read(stream, EXS_Unknown, EGL_noChange, (Uint32)size);
    file.transferEnd();
    if (done.bad()) return refuse(reason, reason_size, done.text());
    DcmDataset *set = file.getDataset();
    if (!set || take_header(*set, out, reason, reason_size)) return set ? -1 : refuse(reason, reason_size, "holds no data set");
    if (!pixels || out->frames != 1) return 0;
    return out->channels == 1 || out->channels == 3 ? take_pixels(*set, out, reason, reason_size) : refuse(reason, reason_size, "neither grey nor RGB");
}

} // namespace

extern "C" int od_dicom_file_read(const uint8_t *bytes, size_t size, int pixels, od_dicom_pixels *out, char *reason, size_t reason_size)
{
    std::memset(out, 0, sizeof *out);
    try {
        return read(bytes, size, pixels, out, reason, reason_size);
    } catch (const std::exception &e) {
        return refuse(reason, reason_size, e.what());
    } catch (...) {
        return refuse(reason, reason_size, "DCMTK failed");
    }
}
