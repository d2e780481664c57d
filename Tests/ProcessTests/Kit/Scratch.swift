import Foundation
import Glibc

/// A directory for one test, gone afterwards.
final class Scratch {
    let path: String

    init() throws {
        let parent = URL(fileURLWithPath: NSTemporaryDirectory()).path
        var template = Array("\(parent)/iii-test-XXXXXX".utf8CString)
        guard let made = mkdtemp(&template) else {
            throw Failure("cannot make a temporary directory: errno \(errno)")
        }
        path = String(cString: made)
    }

    deinit {
        removeAll()
    }

    func callAsFunction(_ name: String) -> String { "\(path)/\(name)" }

    func write(_ name: String, _ text: String) throws -> String {
        let file = self(name)
        try Data(text.utf8).write(to: URL(fileURLWithPath: file))
        return file
    }

    private func removeAll() {
        do {
            try FileManager.default.removeItem(atPath: path)
        } catch {
            print("left behind: \(path): \(error)")
        }
    }
}

/// The whole text of a file; empty when there is none.
func text(of file: String) -> String {
    FileManager.default.contents(atPath: file).map { String(decoding: $0, as: UTF8.self) } ?? ""
}

/// The paths of all files below `directory`, relative to it, sorted.
func files(below directory: String) -> [String] {
    let all = FileManager.default.enumerator(atPath: directory)?.compactMap { $0 as? String } ?? []
    return all.sorted()
}
