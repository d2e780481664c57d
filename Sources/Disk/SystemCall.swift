import CPlatform
import Glibc
import Primitives

/// The system's sentence for an error number, with the number.
func errorText(_ code: Int32) -> String {
    guard let text = strerror(code) else { return "error \(code)" }
    return "\(String(cString: text)) (\(code))"
}

extension StorageError {
    /// The error for a failed call on `path`: a lack of room has a case of its own.
    static func failed(_ operation: String, _ path: String, _ code: Int32) -> StorageError {
        switch code {
        case ENOSPC, EDQUOT, EFBIG: .noSpace(path: path, code: code)
        default: .system(operation, path: path, code: code)
        }
    }
}

/// The result of a `platform_` function: what it answered, or the error that it stands for.
@discardableResult
func check<Value: SignedInteger>(
    _ result: Value,
    _ operation: String,
    _ path: String
) throws(StorageError) -> Value {
    guard result >= 0 else { throw .failed(operation, path, Int32(-result)) }
    return result
}

/// When a file was written to last; nil: there is none.
func modificationTime(of path: String) throws(StorageError) -> Timestamp? {
    var status = stat()
    guard lstat(path, &status) == 0 else {
        if errno == ENOENT { return nil }
        throw .failed("stat", path, errno)
    }
    // A file may have any time, also one that nanoseconds cannot count.
    let seconds = Timestamp(seconds: min(max(0, Int64(status.st_mtim.tv_sec)), 9_000_000_000))
    return seconds.advanced(by: .init(nanoseconds: Int64(status.st_mtim.tv_nsec)))
}

/// An open file or directory, closed with its last reference. A class, because collections and
/// optional properties of classes hold them.
final class Descriptor {
    let number: Int32

    /// Opens `name` in `directory`; see `platform_open_at` for the options.
    init(
        _ name: String,
        in directory: Int32 = AT_FDCWD,
        _ options: [Int],
        path: String
    ) throws(StorageError) {
        let all = options.reduce(0, |)
        let opened = platform_open_at(directory, name, Int32(all))
        guard opened != -ENXIO else { throw .notAFile(path: path) }
        number = try check(opened, "open", path)
    }

    deinit { Glibc.close(number) }

    func sync(_ path: String) throws(StorageError) {
        guard fsync(number) == 0 else { throw .failed("fsync", path, errno) }
    }

    /// Opens a file for direct I/O; a file system that has none (EINVAL) gives a cached one.
    static func direct(
        _ name: String,
        in directory: Int32,
        _ options: [Int],
        path: String
    ) throws(StorageError) -> Descriptor {
        do throws(StorageError) {
            return try Descriptor(name, in: directory, options + [PLATFORM_OPEN_DIRECT], path: path)
        } catch .system(_, _, let code) where code == EINVAL {
            let cached = try Descriptor(name, in: directory, options, path: path)
            platform_drop_cache(cached.number)
            return cached
        }
    }
}

/// The names in an open directory.
func list(_ directory: Int32, _ path: String) throws(StorageError) -> [String] {
    let (names, code) = directoryNames(directory)
    guard code == 0 else { throw .failed("list", path, code) }
    return names
}

/// The names in an open directory, in no order and without `.` and `..`, and the number of the
/// error for which there may be more; 0: there are no more.
///
/// In C: an entry is as long as its name, and Swift copies all of the array that it is declared as.
package func directoryNames(_ directory: Int32) -> (names: [String], code: Int32) {
    var names: [String] = []
    let result = withUnsafeMutablePointer(to: &names) { pointer in
        platform_list(directory, pointer) { context, name in
            guard let name else { return }
            context?.assumingMemoryBound(to: [String].self).pointee.append(String(cString: name))
        }
    }
    return (names, -result)
}
