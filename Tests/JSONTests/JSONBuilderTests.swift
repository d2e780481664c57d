import JSON
import Testing

@Suite("Building text")
struct JSONBuilderTests {
    @Test("commas and colons come by themselves, at every level")
    func commas() {
        var builder = JSONBuilder(capacity: 64)
        builder.beginObject()
        builder.key("a")
        builder.beginArray()
        builder.beginArray()
        builder.endArray()
        builder.integer(1)
        builder.beginObject()
        builder.endObject()
        builder.null()
        builder.endArray()
        builder.key("b\"")
        builder.bool(false)
        builder.key("c")
        builder.raw(JSONText(string: "x"))
        builder.key("d")
        builder.raw(bytes: Array("[ 1 ]".utf8))
        builder.key("e")
        builder.bool(true)
        builder.endObject()
        let expected = #"{"a":[[],1,{},null],"b\"":false,"c":"x","d":[ 1 ],"e":true}"#
        #expect(builder.finish().description == expected)
    }

    @Test("members have a name, and null where there is nothing")
    func members() {
        var builder = JSONBuilder()
        builder.beginObject()
        builder.add("z", "text")
        builder.add("a", 12)
        builder.add("n", Int64.min)
        builder.add("raw", JSONText(trusted: Array("[1,null]".utf8)))
        builder.add("none", nil as String?)
        builder.add("nil", nil as Int?)
        builder.add("nothing", nil as Int64?)
        builder.endObject()
        let expected =
            #"{"z":"text","a":12,"n":-9223372036854775808,"raw":[1,null],"none":null,"#
            + #""nil":null,"nothing":null}"#
        #expect(builder.finish().description == expected)
    }

    @Test("numbers are written exactly")
    func numbers() {
        var builder = JSONBuilder()
        builder.reserveCapacity(256)
        builder.beginArray()
        builder.integer(Int64.min)
        builder.integer(Int64.max)
        builder.integer(UInt64.max)
        builder.integer(-7)
        builder.integer(0)
        builder.double(1)
        builder.double(-0.0)
        builder.double(1e300)
        builder.double(.infinity)
        builder.double(.nan)
        builder.number(.raw("123456789012345678901234567890"))
        builder.endArray()
        let expected =
            "[-9223372036854775808,9223372036854775807,18446744073709551615,-7,0,1.0,-0.0,1e+300,"
            + "null,null,123456789012345678901234567890]"
        #expect(builder.finish().description == expected)
    }

    @Test("what was begun must end")
    func unbalanced() async {
        await #expect(processExitsWith: .failure) {
            var builder = JSONBuilder()
            builder.beginArray()
            _ = builder.finish()
        }
        await #expect(processExitsWith: .failure) {
            var builder = JSONBuilder()
            builder.endArray()
        }
    }
}
