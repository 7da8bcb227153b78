// Test bench of tiny. A line of the vectors is one number: the digit a, the outputs, the inputs.
// Prints one line that begins with PASS or FAIL. Written by lutsmith.
module tiny_tb;
  localparam integer SAMPLES = 4;
  localparam integer LATENCY = 8;
  reg [35:0] vectors [0:SAMPLES-1];
  reg [35:0] vector;
  reg [13:0] expected;
  reg [17:0] x;
  wire [1:0] label;
  wire [11:0] scores;
  reg clk;
  reg ce;
  integer cycle;
  integer word;
  integer words;
  integer mismatches;
  integer handle;
  string file;
  string first;
  tiny dut (.clk(clk), .ce(ce), .x(x), .label(label), .scores(scores));

  initial begin
    if (!$value$plusargs("vectors=%s", file)) file = "tiny_vectors.hex";
    handle = $fopen(file, "r");
    if (handle == 0) begin
      $display("FAIL tiny vectors file missing: %0s (run in its folder, or give +vectors=FILE)", file);
      $finish;
    end
    $fclose(handle);
    #1 $readmemh(file, vectors);
    words = 0;
    mismatches = 0;
    first = "";
    clk = 1'b0;
    ce = 1'b1;
    for (cycle = 0; cycle < SAMPLES + LATENCY; cycle = cycle + 1) begin
      if (cycle < SAMPLES) begin
        vector = vectors[cycle];
        x = vector[17:0];
      end
      #1;
      if (cycle >= LATENCY) begin
        vector = vectors[cycle - LATENCY];
        if (vector[35:32] !== 4'd10) begin
          if (mismatches == 0) $sformat(first, " sample=%0d port=vectors word=0", cycle - LATENCY);
          mismatches = mismatches + 1;
        end
        expected = vector[31:18];
        for (word = 0; word < 1; word = word + 1) begin
          if (label[word * 2 +: 2] !== expected[0 + word * 2 +: 2]) begin
            if (mismatches == 0)
              $sformat(first, " sample=%0d port=label word=%0d expected=%0h got=%0h",
                       cycle - LATENCY, word, expected[0 + word * 2 +: 2], label[word * 2 +: 2]);
            mismatches = mismatches + 1;
          end
          words = words + 1;
        end
        for (word = 0; word < 4; word = word + 1) begin
          if (scores[word * 3 +: 3] !== expected[2 + word * 3 +: 3]) begin
            if (mismatches == 0)
              $sformat(first, " sample=%0d port=scores word=%0d expected=%0h got=%0h",
                       cycle - LATENCY, word, expected[2 + word * 3 +: 3], scores[word * 3 +: 3]);
            mismatches = mismatches + 1;
          end
          words = words + 1;
        end
      end
      // Every third cycle the enable is off for a while, other inputs come in, and nothing may change.
      if (cycle % 3 == 2) begin
        ce = 1'b0;
        x = ~x;
        #1 clk = 1'b1;
        #1 clk = 1'b0;
        x = ~x;
        ce = 1'b1;
      end
      #1 clk = 1'b1;
      #1 clk = 1'b0;
    end
    if (mismatches == 0) $display("PASS tiny samples=%0d words=%0d mismatches=%0d", SAMPLES, words, mismatches);
    else $display("FAIL tiny samples=%0d words=%0d mismatches=%0d%0s", SAMPLES, words, mismatches, first);
    $finish;
  end
endmodule
