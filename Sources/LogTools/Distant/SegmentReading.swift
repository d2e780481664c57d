import Disk
import Glibc
import JSON
package import Observability
package import Primitives
import RecordFormat

/// What the files of a log answer to a ``SegmentQuestion``, for a ``DistantLog``.
///
/// Bytes are handed out as they are, checksums and all: whoever asks checks them, as if the files
/// were its own.
package enum SegmentReading {
    /// Reads the files in a data directory, with an engine running on them.
    package static func answer(
        _ question: SegmentQuestion,
        of directory: String
    ) -> FunctionResult {
        do throws(ErrorBody) {
            let answer =
                switch question {
                case .list: try list(directory)
                case .read(let part): try read(part, directory)
                }
            return .value(answer.bytes)
        } catch {
            return .failure(error)
        }
    }

    /// The path of a file that is there, from the root and without links; else `path` itself.
    private static func fullPath(_ path: String) -> String {
        guard let full = realpath(path, nil) else { return path }
        defer { free(full) }
        return String(cString: full)
    }

    /// Where the log is, its two slots of MANIFEST, its segments and its snapshots.
    private static func list(_ directory: String) throws(ErrorBody) -> JSONText {
        let page = AlignedMemory(capacity: Layout.manifestSlot)
        let memory = UnsafeMutableRawBufferPointer(rebasing: page.bytes[..<Layout.manifestSlot])
        var json = JSONBuilder()
        json.beginObject()
        json.key("data")
        json.string(fullPath(directory))
        json.key("machine")
        if let machine = HostIdentity.boot { json.string(machine) } else { json.null() }
        let pass = try opened(directory)
        json.key("manifest")
        json.beginArray()
        // Before the files: a segment that it knows must be among them.
        for slot in 0..<2 {
            do throws(StorageError) {
                try pass.source.readManifest(slot: slot, into: memory)
            } catch {
                throw refusal(error)
            }
            json.string(HexBytes.text(UnsafeRawBufferPointer(memory)))
        }
        json.endArray()
        do throws(ToolError) {
            json.key("engine")
            if let engine = try pass.manifest()?.engine {
                json.string("\(engine)")
            } else {
                json.null()
            }
            json.key("segments")
            json.beginArray()
            for file in try pass.files() {
                json.beginObject()
                json.key("segment")
                json.integer(file.number)
                json.key("bytes")
                json.integer(file.size)
                json.endObject()
            }
            json.endArray()
            json.key("snapshots")
            json.beginArray()
            for offset in try pass.snapshotEnds() { json.integer(offset.rawValue) }
            json.endArray()
        } catch {
            throw ErrorBody(code: error.code.rawValue, message: error.message)
        }
        json.endObject()
        return json.finish()
    }

    /// Some bytes, fewer than asked for at the end of the file; and the salt of the file, where its
    /// header can be read.
    private static func read(
        _ part: SegmentPart,
        _ directory: String
    ) throws(ErrorBody) -> JSONText {
        let source = try opened(directory).source
        let page = AlignedMemory(capacity: Layout.page)
        let memory = AlignedMemory(capacity: part.count)
        let count: Int
        do throws(StorageError) {
            let head = try source.salvaging().read(segment: part.segment, at: 0, into: page.bytes)
            page.bytes[head...].initializeMemory(as: UInt8.self, repeating: 0)
            let bytes = UnsafeMutableRawBufferPointer(rebasing: memory.bytes[..<part.count])
            // The same file: it is kept open in between.
            count = try source.read(segment: part.segment, at: part.position, into: bytes)
        } catch {
            throw refusal(error)
        }
        var salt: UInt64?
        if case .valid(let header) = SegmentHeader.read(page.prefix(Layout.page)) {
            salt = header.salt
        }
        guard salt == nil || part.salt == nil || salt == part.salt else {
            throw ErrorBody(
                code: "log.replaced",
                message: "another file took the place of segment \(part.segment) meanwhile"
            )
        }
        var json = JSONBuilder(capacity: 2 * count + 64)
        json.beginObject()
        if let salt {
            json.key("salt")
            json.string(hexadecimal(salt))
        }
        json.key("bytes")
        json.string(HexBytes.text(memory.prefix(count)))
        json.endObject()
        return json.finish()
    }

    private static func opened(_ directory: String) throws(ErrorBody) -> LogPass {
        do throws(ToolError) {
            return try LogPass(.directory(directory))
        } catch {
            throw ErrorBody(code: error.code.rawValue, message: error.message)
        }
    }

    private static func refusal(_ error: StorageError) -> ErrorBody {
        ErrorBody(
            code: error.isOfMedium ? "read_refused" : "log.unreadable",
            message: error.description
        )
    }
}
